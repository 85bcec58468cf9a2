"""Speed of training beside Stable-Baselines3 in the same ring, and beside the simulator alone."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from torch import nn

from potmeter.core.bench import Row, compare, interleave, is_selected
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options

from .fighters import push
from .ring import ACTION, OBSERVATION, STARTS, Ring
from .system import Sumo

CONFIG = Sumo.presets["lecture"]
STEPS = CONFIG.num_envs * CONFIG.rollout_steps
"""Of a rollout, between two updates."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("train_env_steps_per_s"):
        with tempfile.TemporaryDirectory() as folder:
            functions = {"ours": our_updates(Path(folder)), "sb3": sb3_updates(), "limit": simulate()}
            rates = interleave({name: timed(advance) for name, advance in functions.items()}, rounds=5)
        yield compare(
            "train_env_steps_per_s", "steps/s", rates["ours"], rates["sb3"], "stable-baselines3", limit=rates["limit"],
            note="the whole of training: both beetles acting, learning; the limit is the simulator under random actions",
        )  # fmt: skip


def timed(advance: Callable[[], int]) -> Callable[[], float]:
    """Steps per second of a function that takes some and says how many."""

    def measure() -> float:
        started = time.perf_counter()
        steps = advance()
        return steps / (time.perf_counter() - started)

    return measure


def our_updates(folder: Path) -> Callable[[], int]:
    """Updates as the trainer makes them."""
    options = Options(steps=10**6, device="cpu", out=folder, eval_every=10**9)
    trainer = Trainer(build_system(Sumo, CONFIG, 0), Sumo.data(CONFIG), options, quiet=True)
    batches = iter(trainer.batches)

    def advance() -> int:
        trainer.system.step(next(batches), trainer)
        trainer.progress.step += 1
        return STEPS

    return advance


class Bout(gymnasium.Env):  # type: ignore[misc]
    """The same ring as one of Gymnasium's environments, against the script."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATION,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION,), np.float32)

    def __init__(self) -> None:
        self.ring = Ring(1, CONFIG.radius)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a bout."""
        super().reset(seed=seed)
        self.ring.restart(slice(None), self.np_random.random((1, STARTS)))
        self.seen = self.ring.observe()
        return self.seen[0, 0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Take a step in it."""
        moment = self.ring.step(np.stack([action[None], push(self.seen[:, 1])], 1))
        self.seen = self.ring.observe()
        over = bool(moment.over[0])
        reward = float(moment.shaped[0, 0]) + over * (1.0 if moment.winner[0] == 0 else -1.0)
        return self.seen[0, 0], reward, over, False, {}


def sb3_updates() -> Callable[[], int]:
    """Its PPO with the same settings and normalisation, in as many bouts."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    c = CONFIG
    world = VecNormalize(DummyVecEnv([Bout] * c.num_envs), norm_reward=False, gamma=c.gamma)
    model = PPO(
        "MlpPolicy", world, n_steps=c.rollout_steps, batch_size=c.batch_size, n_epochs=c.epochs, gamma=c.gamma,
        gae_lambda=c.gae_lambda, clip_range=c.clip_range, learning_rate=c.lr, max_grad_norm=c.clip or 0.5, device="cpu",
        policy_kwargs={"net_arch": list(c.hidden), "activation_fn": nn.Tanh, "ortho_init": True},
    )  # fmt: skip

    def advance() -> int:
        model.learn(STEPS, reset_num_timesteps=False)
        return STEPS

    return advance


def simulate() -> Callable[[], int]:
    """The simulator alone, under random actions, with bouts that begin anew when they are over."""
    ring, rng = Ring(CONFIG.num_envs, CONFIG.radius), np.random.default_rng(0)
    ring.restart(slice(None), rng.random((CONFIG.num_envs, STARTS)))

    def advance() -> int:
        for _ in range(CONFIG.rollout_steps):
            over = np.flatnonzero(ring.step(rng.uniform(-1, 1, (CONFIG.num_envs, 2, ACTION))).over)
            ring.restart(over, rng.random((len(over), STARTS)))
        return STEPS

    return advance
