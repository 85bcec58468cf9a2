"""Sumo as a system: bouts against itself, PPO's loss, training, use."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from potmeter.core.evaluation import confidence_95
from potmeter.core.export import MethodModule
from potmeter.core.reinforcement.ppo import estimate_advantages, learn_from, surrogate_loss
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import reject
from potmeter.media import Chart, Table, Video

from . import model
from .elo import rate
from .experience import Experience
from .fighters import Act, meet, play_rounds, push, stand_still
from .film import Corner, film_bouts
from .model import ROUNDS, League
from .presets import PRESETS
from .results import BoutResult, LeagueResult
from .ring import ACTION, OBSERVATION, Ring

LEAGUE_SEEDS = range(30_000, 30_000 + ROUNDS)
"""Of the rounds in which each two versions of the league meet once."""
FILMED = 3
"""Bouts that are shown of many."""


class Sumo(System):
    """Learns to throw its like out of a ring, by fighting versions of itself (Bansal et al. 2018, arXiv:1710.03748)."""

    name = "sumo"
    Config = model.Config
    presets = PRESETS
    goal = Goal("wins_against_pusher", "higher")

    # 1. No input–output pairs: only beginnings of bouts, and what comes of them

    @classmethod
    def data(cls, config: model.Config) -> Splits:  # type: ignore[override]
        """Seeds of bouts, which say how they begin: experience is made, and not read."""
        Ring(1, config.radius)
        seeds = lambda first, count: TensorData(seed=torch.arange(first, first + count))
        train, valid, test = seeds(0, config.num_envs), seeds(10_000, config.bouts // 2), seeds(20_000, config.bouts)
        return Splits(train, valid, test, dataset="self-play")

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.policy = model.make_policy(config)
        self.critic = model.make_critic(config)
        self.ladder = League(config)

    def forward(self, observation: Float[Tensor, "b n"]) -> Float[Tensor, "b a"]:
        """Where each joint is to go, between its limits as −1 and 1.

        Args:
            observation: as the ring gives it; it is normalised inside
        """
        return self.policy(self.policy.normaliser(observation))

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """PPO's loss of a minibatch, as ``surrogate_loss`` takes it."""
        c = self.config
        return surrogate_loss(
            self.policy,
            self.critic,
            batch,
            clip_range=c.clip_range,
            value_coef=c.value_coef,
            entropy_coef=c.entropy_coef,
        )

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        learnt = [*self.policy.parameters(), *self.critic.parameters()]
        return {"model": Adam(learnt, lr=self.config.lr, eps=1e-5, fused=self.device.type != "mps")}

    def batches(self, splits: Splits, trainer: TrainingLoop) -> Experience:
        return Experience(self.policy, self.ladder, self.config, trainer)

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Learn from a rollout: its advantages, then several passes over it in minibatches."""
        c = self.config
        while self.ladder.is_due(trainer.fraction_done):
            self.enter_league()
        self.ladder.fraction.clamp_(min=trainer.fraction_done)  # --from: what came before counts
        samples = {key: values.flatten(0, 1) for key, values in self.prepare(batch).items()}
        size = c.batch_size // processes.world_size()  # this process's part
        means = learn_from(samples, self.loss, trainer, epochs=c.epochs, size=size)
        self.policy.update_normaliser(batch["observation"])
        if "recent" in batch:
            means |= dict(zip(("won", "drawn"), batch["recent"], strict=True))
        return means | {"elo": torch.tensor(self.ladder.rate().mean(0)[-1], dtype=torch.float32)}

    def enter_league(self) -> None:
        """Keep the policy as it is, once it has met all versions before it."""
        self.ladder.enter(self.policy)
        acts = [self.chooser(policy) for policy in self.ladder.members]
        if len(acts) == 1:
            return
        self.ladder.record(play_rounds(acts, LEAGUE_SEEDS, self.config.radius, newest=1))

    @torch.no_grad()
    def prepare(self, batch: Batch) -> Batch:
        """What ``loss`` takes, of shape (T, N, …), from a rollout: advantages and targets under networks that stand still."""
        c = self.config
        observation = self.policy.normaliser(batch["observation"])  # (T, N, D)
        value = self.critic(observation)[..., 0]
        next_value = self.critic(self.policy.normaliser(batch["next_observation"]))[..., 0]
        ended = batch["ended"]  # the time that is left is observed: when it is up, nothing comes after
        advantage = estimate_advantages(batch["reward"], value, next_value, ended, ended, c.gamma, c.gae_lambda)
        rows = observation.flatten(0, 1)
        log_prob = self.policy.log_prob(self.policy(rows), batch["action"].flatten(0, 1)).view_as(value)
        known = {"observation": observation, "action": batch["action"], "log_prob": log_prob}
        return known | {"advantage": advantage, "value_target": advantage + value}

    def validate(self, data: Any) -> dict[str, Tensor]:
        """Bouts against the scripted pusher; and the policy's Elo rating in the league so far, the pusher's being 0."""
        values = self.measure(self.choose, data, {"pusher": push})
        if len(self.ladder):
            ratings = rate(
                self.complete_results([*map(self.chooser, self.ladder.members), self.choose, push]), anchor=-1
            )
            values["elo_last"] = torch.from_numpy(ratings[:, -2])
        return values

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Bouts against the scripted pusher and one who stands still; and the league's Elo ratings, the pusher's being 0."""
        values = self.measure(self.choose, data, {"pusher": push, "still": stand_still})
        if len(self.ladder) >= 2:
            fighters = [push, *map(self.chooser, self.ladder.members), self.choose]
            results = play_rounds(fighters, data.tensors["seed"].tolist(), self.config.radius)
            ratings = torch.from_numpy(rate(results))
            places = {
                "first": 2,
                "middle": 1 + len(self.ladder) // 2,
                "last": -1,
            }  # of the first that has learnt something
            values |= {f"elo_{place}": ratings[:, number] for place, number in places.items()}
            drawn = (results[:, 1:, 1:] == 0).sum((1, 2)) - len(fighters) + 1
            values["draws_in_league"] = torch.from_numpy(drawn / ((len(fighters) - 1) * (len(fighters) - 2)))
        return values

    def measure(self, act: Act, data: Any, rivals: dict[str, Act]) -> dict[str, Tensor]:
        """Of each bout against each rival, whether it is won, and whether it is drawn."""
        values: dict[str, Tensor] = {}
        for name, rival in rivals.items():
            results = torch.from_numpy(meet(act, rival, data.tensors["seed"].tolist(), self.config.radius))
            values |= {f"wins_against_{name}": (results > 0).float(), f"draws_against_{name}": (results == 0).float()}
        return values

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Random actions; and the script, against one who stands still."""
        rng = np.random.default_rng(0)
        random: Act = lambda seen: rng.uniform(-1, 1, (len(seen), ACTION))
        values = {
            f"random_{key}": value
            for key, value in self.measure(random, splits.test, {"pusher": push, "still": stand_still}).items()
        }
        values |= {
            f"pusher_{key}": value for key, value in self.measure(push, splits.test, {"still": stand_still}).items()
        }
        return {key: float(value.mean()) for key, value in values.items() if "_wins_" in key}

    # 5. Use

    @property
    def fighters(self) -> dict[str, Act]:
        """By name: the policy as it ended, its versions, the oldest being v1, and the scripts."""
        versions = {f"v{number}": self.chooser(policy) for number, policy in enumerate(self.ladder.members, 1)}
        return {"last": self.choose, **versions, "pusher": push, "still": stand_still}

    @torch.no_grad()
    def run(
        self,
        *,
        opponent: Annotated[str, Choice("fighters")] = "last",
        bouts: Annotated[int, Range(1, 9)] = 3,
        seed: Annotated[int, Range(0, 2**31)] = 1,
    ) -> Video:
        """Watch some bouts.

        Args:
            opponent: who is blue: last = itself; v1, v2 … = as it was before, evenly spread over the training; pusher = a
                script that gallops straight ahead; still = one who does nothing
            bouts: how many
            seed: how they begin
        """
        return self.film("last", opponent, bouts, seed)

    @task
    @torch.no_grad()
    def bout(
        self,
        *,
        red: Annotated[str, Choice("fighters")] = "last",
        blue: Annotated[str, Choice("fighters")] = "pusher",
        bouts: Annotated[int, Range(2, 1000)] = 100,
        seed: Annotated[int, Range(0, 2**31)] = 1,
    ) -> BoutResult:
        """Let any two meet: many bouts in figures, the first ones to watch.

        Args:
            red: who is red, by the name that ``run`` knows
            blue: who is blue
            bouts: how many are counted; half of them with sides changed
            seed: how they begin
        """
        seeds = range(40_000 + 1000 * seed, 40_000 + 1000 * seed + bouts)
        results = meet(self.fighters[red], self.fighters[blue], seeds, self.config.radius)
        points = torch.from_numpy((results + 1) / 2)
        won, drawn, lost = (int((results == value).sum()) for value in (1, 0, -1))
        row = (red, blue, bouts, won, drawn, lost, float(points.mean()), round(confidence_95(points), 3))
        names = ("red", "blue", "bouts", "red won", "drawn", "blue won", "points of red a bout", "±")
        return BoutResult(self.film(red, blue, FILMED, seed), Table(names, [row]))

    @task
    @torch.no_grad()
    def league(self) -> LeagueResult:
        """The league: Elo ratings of all versions, of the last policy and of the scripted pusher, whose rating is 0."""
        size = len(self.ladder)
        size >= 1 or reject("These weights have no league: nothing has been trained.", 0)
        names = [*(f"v{number}" for number in range(1, size + 1)), "last", "pusher"]
        results = self.complete_results([self.fighters[name] for name in names])
        ratings = torch.from_numpy(rate(results, anchor=-1))  # (rounds, n)
        elo = ratings.mean(0)
        rows: list[tuple[Any, ...]] = []
        for i in elo.argsort(descending=True).tolist():
            told = "a script" if names[i] == "pusher" else f"{self.trained_share(names[i]):.0%}"
            others = np.delete(results[:, i], i, 1)
            counts = [int((others == value).sum()) for value in (1, 0, -1)]
            rows.append((names[i], told, round(float(elo[i])), round(confidence_95(ratings[:, i])), *counts))
        curve = [(100 * self.trained_share(name), float(elo[i])) for i, name in enumerate(names[:-1])]
        return LeagueResult(
            Table(("fighter", "trained", "Elo", "±", "won", "drawn", "lost"), rows),
            Chart({"policy": curve, "scripted pusher": [(0.0, 0.0), (100.0, 0.0)]}, x="% of the training", y="Elo"),
        )

    def complete_results(self, acts: list[Act]) -> np.ndarray:
        """The league's record with two more: the last policy and the pusher meet everybody before them."""
        results = np.zeros((ROUNDS, len(acts), len(acts)), np.int8)
        results[:, :-2, :-2] = self.ladder.results[:, : len(self.ladder), : len(self.ladder)].numpy(force=True)
        return results + play_rounds(acts, LEAGUE_SEEDS, self.config.radius, newest=2)

    def film(self, red: str, blue: str, bouts: int, seed: int) -> Video:
        """Bouts of two of the fighters as a video."""
        corner = lambda name: Corner(self.describe(name), self.fighters[name])
        seeds = range(40_000 + 1000 * seed, 40_000 + 1000 * seed + bouts)
        return film_bouts(corner(red), corner(blue), seeds, self.config.radius)

    def describe(self, name: str) -> str:
        """A fighter in words."""
        known = {"last": "last", "pusher": "script", "still": "stands still"}
        return known.get(name) or f"{name}, {self.trained_share(name):.0%} trained"

    def trained_share(self, name: str) -> float:
        """How much of the training a version has behind it."""
        return float(self.ladder.fraction) if name == "last" else (int(name[1:]) - 1) / len(self.ladder.versions)

    def illustrate(self) -> Video:
        """A bout against itself."""
        return self.film("last", "last", 1, 1)

    def examples(self) -> list[Example]:
        versions = len(self.ladder)
        examples = [
            Example("It fights itself", seed=1),
            Example("Against a script that gallops straight ahead", task="bout", blue="pusher"),
        ]
        if versions >= 2:
            half = f"v{versions // 2 + 1}"
            examples[1:1] = [Example("Against itself as it was halfway through the training", opponent=half)]
            examples.append(Example("The league", task="league"))
        return examples

    # What other systems use (core.capabilities)

    def act(self, observation: Float[Tensor, "b n"]) -> Tensor:
        """Where each joint is to go in each situation, (B, A)."""
        return self.policy.act(observation)

    def choose(self, observation: np.ndarray) -> np.ndarray:
        """The same for arrays."""
        return self.chooser(self.policy)(observation)

    def chooser(self, policy: nn.Module) -> Act:
        """A policy as a function of arrays."""

        @torch.no_grad()
        def choose(observation: np.ndarray) -> np.ndarray:
            actions: Tensor = policy.act(torch.from_numpy(observation).to(self.device))  # type: ignore[operator]
            return actions.numpy(force=True)

        return choose

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        return {"policy": (MethodModule(self, "forward", "action"), (torch.zeros(2, OBSERVATION),))}
