"""Speed of training beside Stable-Baselines3 and a bare loop, and how well both learn in as many steps."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options

from .environments import make_environment
from .playing import play_episodes
from .system import TESTED, Locomotion

BODY, TIMED, LEARNT, SEEDS = "Hopper-v5", 4 * 2048, 1_001_472, (0, 1, 2)
"""The body; environment steps that are timed at once, and that are learnt from; seeds of the trainings."""
SETTINGS: dict[str, Any] = {
    "n_steps": 2048, "batch_size": 64, "n_epochs": 10, "gamma": 0.99, "gae_lambda": 0.95, "clip_range": 0.2,
    "vf_coef": 0.5, "max_grad_norm": 0.5,
}  # fmt: skip
"""Schulman et al. 2017, table 3, as Stable-Baselines3 calls it."""
PUBLISHED: dict[str, Any] = {
    "n_steps": 512, "batch_size": 32, "n_epochs": 5, "gamma": 0.999, "gae_lambda": 0.99, "clip_range": 0.2,
    "vf_coef": 0.835671, "max_grad_norm": 0.7, "ent_coef": 0.00229519, "learning_rate": 9.80828e-05,
}  # fmt: skip
"""What Stable-Baselines3's authors publish for the hopper: RL Baselines3 Zoo, ``hyperparams/ppo.yml``, Hopper-v4."""
PUBLISHED_POLICY: dict[str, Any] = {
    "net_arch": [256, 256], "activation_fn": nn.ReLU, "ortho_init": False, "log_std_init": -2,
}  # fmt: skip
"""The network that belongs to them."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("train_env_steps_per_s"):
        with tempfile.TemporaryDirectory() as folder:
            functions = {
                "ours": timed(our_updates(Path(folder))),
                "bare": timed(bare_updates()),
                "limit": timed(simulate()),
            }
            functions |= {"sb3": timed(sb3_updates())}
            rates = interleave(functions, rounds=5)
        note = "the whole of training: acting, learning, normalising; the limit is the simulator under random actions"
        for what, peer, name in (
            ("train_env_steps_per_s", "sb3", "stable-baselines3"),
            ("train_env_steps_per_s_beside_bare_loop", "bare", "one-file PyTorch loop"),
        ):
            yield compare(what, "steps/s", rates["ours"], rates[peer], name, limit=rates["limit"], note=note)
    if is_selected("learning"):
        ours = [our_return(seed) for seed in SEEDS]
        for what, published in (("learning_return_1M_steps", True), ("learning_return_1M_steps_same_settings", False)):
            theirs = [sb3_return(seed, published) for seed in SEEDS]
            spread = [f"{np.mean(values):.0f} ± {np.std(values, ddof=1):.0f}" for values in (ours, theirs)]
            settings = "its published settings" if published else "our settings"
            note = f"{settings}; mean and deviation over {len(SEEDS)} seeds: {spread[0]} against {spread[1]}"
            mean = float(np.mean(ours)), float(np.mean(theirs))
            yield Row(
                what=what, ours=mean[0], peer=mean[1], peer_name="stable-baselines3",
                ratio=mean[0] / mean[1], limit=None, unit="return", note=f"{note}; CleanRL publishes 2,382 ± 272",
            )  # fmt: skip


def timed(advance: Callable[[], int]) -> Callable[[], float]:
    """Environment steps per second of a function that takes some and says how many."""

    def measure() -> float:
        started = time.perf_counter()
        steps = advance()
        return steps / (time.perf_counter() - started)

    return measure


# Ours ----------------------------------------------------------------------------------------------------------------


def our_trainer(folder: Path, seed: int, steps: int) -> Trainer:
    """A training by the lecture preset."""
    config = replace(Locomotion.presets["lecture"], env=BODY)
    splits = Locomotion.data(config)
    system = build_system(Locomotion, Locomotion.fit_config(config, splits), seed)
    options = Options(steps=steps, seed=seed, device="cpu", out=folder, eval_every=10**9)
    return Trainer(system, splits, options, quiet=True)


def our_updates(folder: Path) -> Callable[[], int]:
    """Updates as the trainer makes them."""
    trainer = our_trainer(folder, 0, 10**6)
    batches = iter(trainer.batches)

    def advance() -> int:
        for _ in range(TIMED // 2048):
            trainer.system.step(next(batches), trainer)
            trainer.progress.step += 1
        return TIMED

    return advance


def our_return(seed: int) -> float:
    """Mean return, over 100 episodes, of the policy at the end of a training."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = our_trainer(Path(folder), seed, LEARNT // 2048)
        trainer.fit()
    return float(trainer.system.evaluate(trainer.splits.test)["return"].mean())


# Stable-Baselines3 ----------------------------------------------------------------------------------------------------


def sb3_model(seed: int, published: bool = False) -> Any:
    """Its PPO with normalisation in one environment: with our settings, or with those that its authors publish."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    settings = PUBLISHED if published else {**SETTINGS, "learning_rate": lambda left: 3e-4 * left}
    ours = {"net_arch": [64, 64], "activation_fn": nn.Tanh, "ortho_init": True}
    world = VecNormalize(DummyVecEnv([lambda: make_environment(BODY)]), gamma=settings["gamma"])
    policy = PUBLISHED_POLICY if published else ours
    return PPO("MlpPolicy", world, policy_kwargs=policy, seed=seed, device="cpu", **settings)


def sb3_updates() -> Callable[[], int]:
    """Its own training, some steps further each time."""
    model = sb3_model(0)

    def advance() -> int:
        model.learn(TIMED, reset_num_timesteps=False)
        return TIMED

    return advance


def sb3_return(seed: int, published: bool) -> float:
    """Mean return of its policy's likeliest actions, over the same 100 episodes."""
    model = sb3_model(seed, published)
    model.learn(LEARNT)
    world = model.get_vec_normalize_env()
    act = lambda seen: model.predict(world.normalize_obs(seen), deterministic=True)[0]
    return float(play_episodes(BODY, range(20_000, 20_000 + TESTED), act).returns.mean())


# A bare loop ---------------------------------------------------------------------------------------------------------


def bare_updates() -> Callable[[], int]:
    """PPO as one would write it in a single file: Gymnasium's wrappers, one environment, torch's distributions."""
    import gymnasium

    cut: Any = lambda values: np.clip(values, -10, 10)
    world: Any = gymnasium.make(BODY)
    world = gymnasium.wrappers.ClipAction(gymnasium.wrappers.RecordEpisodeStatistics(world))
    world = gymnasium.wrappers.NormalizeObservation(world)
    world = gymnasium.wrappers.TransformObservation(world, cut, world.observation_space)
    world = gymnasium.wrappers.TransformReward(gymnasium.wrappers.NormalizeReward(world), cut)
    inputs, outputs = world.observation_space.shape[0], world.action_space.shape[0]
    net = lambda out: nn.Sequential(nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, out))
    actor, critic, log_std = net(outputs), net(1), nn.Parameter(torch.zeros(outputs))
    learnt = [*actor.parameters(), *critic.parameters(), log_std]
    optimizer = torch.optim.Adam(learnt, lr=3e-4, eps=1e-5)
    seen = torch.as_tensor(world.reset(seed=0)[0], dtype=torch.float32)
    policy = lambda x: torch.distributions.Normal(actor(x), log_std.exp())

    def live() -> tuple[Tensor, ...]:
        nonlocal seen
        size = SETTINGS["n_steps"]
        x, a, log_prob = torch.zeros(size, inputs), torch.zeros(size, outputs), torch.zeros(size)
        reward, value, over = torch.zeros(size), torch.zeros(size + 1), torch.zeros(size)
        with torch.no_grad():
            for t in range(size):
                distribution = policy(seen)
                x[t], a[t], value[t] = seen, distribution.sample(), critic(seen)[0]
                log_prob[t] = distribution.log_prob(a[t]).sum()
                after, r, terminated, truncated, _ = world.step(a[t].numpy())
                reward[t], over[t] = float(r), float(terminated or truncated)
                after = world.reset()[0] if terminated or truncated else after
                seen = torch.as_tensor(after, dtype=torch.float32)
            value[size] = critic(seen)[0]
            advantage, later = torch.zeros(size), torch.zeros(())
            for t in reversed(range(size)):
                surprise = reward[t] + 0.99 * value[t + 1] * (1 - over[t]) - value[t]
                advantage[t] = later = surprise + 0.99 * 0.95 * (1 - over[t]) * later
        return x, a, log_prob, advantage, advantage + value[:-1]

    def advance() -> int:
        for _ in range(TIMED // SETTINGS["n_steps"]):
            x, a, old, advantage, target = live()
            for _ in range(SETTINGS["n_epochs"]):
                for rows in torch.randperm(len(x)).split(SETTINGS["batch_size"]):
                    distribution = policy(x[rows])
                    ratio = (distribution.log_prob(a[rows]).sum(1) - old[rows]).exp()
                    better = (advantage[rows] - advantage[rows].mean()) / (advantage[rows].std() + 1e-8)
                    clipped = torch.max(-better * ratio, -better * ratio.clamp(0.8, 1.2)).mean()
                    loss = clipped + 0.5 * (critic(x[rows])[:, 0] - target[rows]).square().mean()
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(learnt, 0.5)
                    optimizer.step()
        return TIMED

    return advance


def simulate() -> Callable[[], int]:
    """The simulator alone, under random actions."""
    world = make_environment(BODY)
    world.reset(seed=0)
    world.action_space.seed(0)
    actions = [world.action_space.sample() for _ in range(math.ceil(TIMED / 4))]

    def advance() -> int:
        for action in actions:
            *_, terminated, truncated, _ = world.step(action)
            if terminated or truncated:
                world.reset()
        return len(actions)

    return advance
