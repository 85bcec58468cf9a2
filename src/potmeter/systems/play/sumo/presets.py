"""The presets of sumo."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

LECTURE = Config(
    num_envs=128, rollout_steps=64, batch_size=1536, epochs=5, lr=1e-3, schedule="linear", clip=0.5,
    entropy_coef=0.005, log_std_init=-0.5, delta=0.0, shaping=1.0,
)  # fmt: skip

PRESETS = {
    "tiny": replace(
        LECTURE, radius=0.7, versions=3, bouts=80, num_envs=32, rollout_steps=32, batch_size=256, hidden=(32, 32)
    ),
    "lecture": LECTURE,
    "paper": replace(
        LECTURE, num_envs=1024, rollout_steps=400, batch_size=8192, epochs=6, gamma=0.995, shaping=0.5, symmetric=False,
    ),
}  # fmt: skip
