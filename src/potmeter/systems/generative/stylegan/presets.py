"""The sizes that StyleGAN comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

HALF_LIFE = 10_000
"""Pictures after which the moving average has forgotten half (the paper's)."""


def averaged_over(batch_size: int) -> float:
    """The decay, per step, of a moving average with that half-life."""
    return float(0.5 ** (batch_size / HALF_LIFE))


PAPER = Config(batch_size=32, lr=1e-3, schedule="constant", ema=averaged_over(32))
LECTURE = replace(
    PAPER, dataset="faces", height=64, width=64, latent=128, filters=(128, 96, 48, 24, 16), batch_size=16, lr=2e-3,
    ema=averaged_over(16), stable_kimg=12.0, fade_kimg=8.0, r1=5.0, r1_every=8, haze=0.15, judge_size=128,
)  # fmt: skip

PRESETS = {
    "tiny": replace(
        LECTURE, dataset="digits", height=28, width=28, channels=1, latent=16, mapping_layers=2, mapping_rate=0.1,
        filters=(16, 16, 8), first_level=2, lr=4e-3, ema=0.98, r1=0.3, r1_every=16, haze=0.0,
        judge="classifier.digits", judge_size=28,
    ),
    "lecture": LECTURE,
    "faces128": replace(LECTURE, height=128, width=128, filters=(128, 96, 48, 24, 16, 8)),
    "paper": PAPER,
}  # fmt: skip
