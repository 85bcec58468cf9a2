"""Locomotion as a system: experience, PPO's loss, training, use."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from potmeter.core.export import MethodModule
from potmeter.core.reinforcement.normaliser import LIMIT, Normaliser
from potmeter.core.reinforcement.policy import Policy, mlp
from potmeter.core.reinforcement.ppo import estimate_advantages, learn_from, surrogate_loss
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError, reject
from potmeter.media import Chart, Video
from potmeter.notices import note

from . import model
from .environments import bounds_of, make_environment, spaces_of
from .experience import Experience
from .film import SIZE, film_episode, side_by_side, to_video
from .playing import Act, play_episodes
from .presets import PRESETS
from .push import WATCHED, Push, PushResult, can_be_pushed, measure_robustness

VALIDATED, TESTED = 10, 100
"""Episodes by which checkpoints are compared, and the policy that is kept is measured."""
MOMENTS = {"early": 0.03, "middle": 0.2}
"""How much of the training is done when the policy is kept, to be watched beside the last one."""
POINTS = 100
"""Points of the learning curve."""
LIVE = 6.0
"""Seconds of the videos that are made during training."""


class Locomotion(System):
    """Learns by trial and error to move a body: proximal policy optimisation."""

    name = "locomotion"
    Config = model.Config
    presets = PRESETS
    goal = Goal("return", "higher")
    curve_points: Tensor

    # 1. No input–output pairs: only beginnings of episodes, and what comes of them

    @classmethod
    def data(cls, config: model.Config) -> Splits:  # type: ignore[override]
        """Seeds of episodes: experience is made in the environment that the Config names, and not read."""
        make_environment(config.env).close()
        seeds = lambda first, count: TensorData(seed=torch.arange(first, first + count))
        train, valid, test = seeds(0, config.num_envs), seeds(10_000, VALIDATED), seeds(20_000, TESTED)
        return Splits(train, valid, test, dataset=config.env)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        spaces = spaces_of(make_environment(config.env))
        return replace(
            config, num_observations=spaces.observations, num_actions=spaces.actions, discrete=spaces.discrete
        )

    # 2. The architecture

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.policy = model.make_policy(config)
        self.critic = mlp((config.num_observations, *config.hidden, 1), gain=1.0)
        self.reward_normaliser = Normaliser(1)
        self.past = nn.ModuleDict({moment: model.make_policy(config).requires_grad_(False) for moment in MOMENTS})
        # whole numbers, which a moving average of the weights leaves alone: per hundredth of the training the steps so far,
        # the episodes that ended, and the sum of their returns in thousandths
        self.register_buffer("curve_points", torch.zeros(POINTS, 3, dtype=torch.int64))

    def forward(self, observation: Float[Tensor, "b n"]) -> Float[Tensor, "b a"]:
        """Logits of discrete actions, or means of continuous ones.

        Args:
            observation: as the environment gives it; it is normalised inside
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
        return Experience(self.policy, self.config, trainer)

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """Learn from a rollout: its advantages, then several passes over it in minibatches."""
        c = self.config
        self.keep_moments(trainer.fraction_done)
        samples = {key: values.flatten(0, 1) for key, values in self.prepare(batch).items()}
        size = c.batch_size * len(samples["advantage"]) // (c.num_envs * c.rollout_steps)  # this process's part
        means = learn_from(samples, self.loss, trainer, epochs=c.epochs, size=size)
        if c.normalise_observations:
            self.policy.update_normaliser(batch["observation"])
        self.note_returns(batch["returns"], trainer)
        return means | ({"return": batch["recent_returns"].mean()} if len(batch["recent_returns"]) else {})

    @torch.no_grad()
    def prepare(self, batch: Batch) -> Batch:
        """What ``loss`` takes, of shape (T, N, …), from a rollout: advantages and targets under networks that stand still."""
        c, reward = self.config, batch["reward"]
        if c.normalise_rewards:
            self.reward_normaliser.update(batch["discounted"][..., None])
            reward = (reward / (self.reward_normaliser.variance + 1e-8).sqrt()).clamp(-LIMIT, LIMIT)
        observation = self.policy.normaliser(batch["observation"])  # (T, N, D)
        value = self.critic(observation)[..., 0]
        next_value = self.critic(self.policy.normaliser(batch["next_observation"]))[..., 0]
        ends = batch["terminated"], batch["ended"]
        advantage = estimate_advantages(reward, value, next_value, *ends, c.gamma, c.gae_lambda)
        rows = observation.flatten(0, 1)
        log_prob = self.policy.log_prob(self.policy(rows), batch["action"].flatten(0, 1)).view_as(value)
        known = {"observation": observation, "action": batch["action"], "log_prob": log_prob}
        return known | {"advantage": advantage, "value_target": advantage + value}

    def keep_moments(self, fraction: float) -> None:
        """Keep the policy as it is, for the moments that are not past yet."""
        for moment, share in MOMENTS.items():
            if fraction <= share:
                self.past[moment].load_state_dict(self.policy.state_dict())

    def note_returns(self, returns: Tensor, trainer: TrainingLoop) -> None:
        """Put the episodes that ended, in all processes, into the learning curve."""
        ended = torch.tensor([len(returns), 1000 * float(returns.sum())], dtype=torch.float64)
        ended = processes.all_reduce_mean(ended) * processes.world_size()
        point = self.curve_points[min(int(trainer.fraction_done * POINTS), POINTS - 1)]
        point[0] = (trainer.step + 1) * self.config.num_envs * self.config.rollout_steps
        point[1:] += ended.round().long().to(point.device)

    def validate(self, data: Any) -> dict[str, Tensor]:
        return self.evaluate(data)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """The return of an episode from each seed, under the likeliest actions; and its length in steps."""
        episodes = play_episodes(self.config.env, data.tensors["seed"].tolist(), self.choose)
        return {"return": episodes.returns, "episode_length": episodes.lengths}

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Actions at random, and no action: zeros of continuous ones, the first of discrete ones."""
        name, seeds = self.config.env, splits.test.tensors["seed"].tolist()
        rng, c = np.random.default_rng(0), self.config
        low, high = bounds_of(name)
        random: Act = lambda seen: rng.uniform(low, high, (len(seen), c.num_actions))
        zero: Act = lambda seen: np.zeros((len(seen), c.num_actions))
        if c.discrete:
            random, zero = (
                lambda seen: rng.integers(c.num_actions, size=len(seen)),
                lambda seen: np.zeros(len(seen), int),
            )
        rivals = {"random_return": random, "zero_return": zero}
        return {rival: float(play_episodes(name, seeds, act).returns.mean()) for rival, act in rivals.items()}

    # 5. Use

    @torch.no_grad()
    def run(
        self, *, seed: Annotated[int, Range(0, 2**31)] = 1, seconds: Annotated[float, Range(0.1, 60)] = 12.0
    ) -> Video:
        """Watch an episode.

        Args:
            seed: which beginning; the same seed is the same episode
            seconds: after which it is left, ended or not
        """
        return to_video(film_episode(self.config.env, seed, self.choose, seconds=seconds))

    @task
    @torch.no_grad()
    def watch(
        self, *, seed: Annotated[int, Range(0, 2**31)] = 1, seconds: Annotated[float, Range(0.1, 60)] = 12.0
    ) -> Video:
        """Watch it learn: the same beginning early in the training, a fifth into it, and in the end, side by side.

        Args:
            seed: which beginning
            seconds: after which an episode is left, ended or not
        """
        policies = {f"{moment} ({share:.0%})": self.past[moment] for moment, share in MOMENTS.items()}
        record = lambda policy, title: film_episode(
            self.config.env, seed, self.chooser(policy), seconds=seconds, title=title, width=SIZE[0] * 2 // 3
        )
        films = {title: record(policy, title) for title, policy in (policies | {"late": self.policy}).items()}
        return side_by_side(films)

    @task
    @torch.no_grad()
    def push(
        self, *, force: Annotated[float, Range(-5000, 5000)] = 100.0, seed: Annotated[int, Range(0, 2**31)] = 1
    ) -> PushResult:
        """Push it from the side for a tenth of a second, once it is under way, and see how robust it is.

        Args:
            force: newtons, positive = to the right; the chart has forces up to three times as strong, both ways
            seed: which beginning
        """
        name = self.config.env
        film = film_episode(name, seed, self.choose, seconds=WATCHED, disturb=Push(name, [force]))
        video = to_video(film)
        caption = f"{abs(force):g} newtons to the {'right' if force > 0 else 'left'}: {video.caption}"
        return PushResult(replace(video, caption=caption), measure_robustness(name, self.choose, force))

    @task
    def curve(self) -> Chart:
        """The learning curve: the mean return of the episodes that ended in each hundredth of the training."""
        points = [(steps, total / 1000 / count) for steps, count, total in self.curve_points.tolist() if count]
        points or reject("These weights have no learning curve: no episode ended while they were trained.", 0)
        return Chart({"return": points}, x="steps in the environment", y="mean return of an episode, exploring")

    def illustrate(self) -> Video | None:
        """The beginning of an episode; none where the environment cannot be drawn, which is told once."""
        try:
            return to_video(film_episode(self.config.env, 1, self.choose, seconds=LIVE))
        except UserError as error:
            note(f"no videos in the run's folder: {error}")
            return None

    def examples(self) -> list[Example]:
        name = self.config.env.partition("-")[0]
        examples = [
            Example(f"{name}: an episode", seed=1),
            Example("Early, a fifth into the training, and late", task="watch", seed=1),
        ]
        if can_be_pushed(self.config.env):
            force = 5.0 if name == "CartPole" else 100.0
            examples.append(Example("A push from the left", task="push", force=force, seed=1))
        return [*examples, Example("How it learnt", task="curve")] if self.curve_points[:, 1].any() else examples

    # What other systems use (core.capabilities)

    def act(self, observation: Float[Tensor, "b n"]) -> Tensor:
        """The likeliest action in each situation: numbers (B,) of discrete ones, or vectors (B, A)."""
        return self.policy.act(observation)

    def choose(self, observation: np.ndarray) -> np.ndarray:
        """The likeliest actions, as arrays."""
        return self.chooser(self.policy)(observation)

    def chooser(self, policy: Policy | nn.Module) -> Act:
        """A policy as a function of arrays."""

        @torch.no_grad()
        def choose(observation: np.ndarray) -> np.ndarray:
            actions: Tensor = policy.act(torch.from_numpy(observation).to(self.device))  # type: ignore[operator]
            return actions.cpu().numpy()

        return choose

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        observation = torch.zeros(2, self.config.num_observations)
        return {"policy": (MethodModule(self, "forward", "logits" if self.config.discrete else "mean"), (observation,))}
