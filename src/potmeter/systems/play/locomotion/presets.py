"""The presets of locomotion: environments, and how much experience goes into an update."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

PAPER = Config(
    env="Hopper-v5", num_envs=1, rollout_steps=2048, epochs=10, batch_size=64, lr=3e-4, schedule="linear", clip=0.5
)
"""Schulman et al. 2017, table 3, with the gradient clipped as all later implementations do."""

CARTPOLE = Config(
    env="CartPole-v1", num_envs=8, rollout_steps=128, epochs=10, batch_size=128, lr=1e-3, schedule="linear", clip=0.5,
    gamma=0.98,
)  # fmt: skip

PRESETS = {
    "tiny": replace(CARTPOLE, num_envs=4, rollout_steps=32, epochs=4, batch_size=64, hidden=(32, 32)),
    "lecture": replace(PAPER, num_envs=8, rollout_steps=256),
    "cartpole": CARTPOLE,
    "paper": PAPER,
}
