"""The presets of StyleGAN."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

HALF_LIFE = 10_000
"""Half-life of the moving average of the weights, in pictures (the paper's)."""


def ema_decay(batch_size: int) -> float:
    """Decay, per step, of a moving average with that half-life."""
    return float(0.5 ** (batch_size / HALF_LIFE))


PAPER = Config(batch_size=32, lr=1e-3, schedule="constant", ema=ema_decay(32))
LECTURE = replace(
    PAPER, dataset="faces", height=64, width=64, latent_dim=128, filters=(16, 24, 48, 96, 128), batch_size=16, lr=2e-3,
    ema=ema_decay(16), stable_kimg=12.0, fade_kimg=8.0, r1=5.0, r1_interval=8, instance_noise=0.15, feature_extractor_size=128,
)  # fmt: skip

PRESETS = {
    "tiny": replace(
        LECTURE, dataset="digits", height=28, width=28, channels=1, latent_dim=16, mapping_layers=2, mapping_lr_multiplier=0.1,
        filters=(8, 16, 16), first_level=2, lr=4e-3, ema=0.98, r1=0.3, r1_interval=16, instance_noise=0.0,
        feature_extractor="classifier.digits", feature_extractor_size=28,
    ),
    "lecture": LECTURE,
    "faces128": replace(LECTURE, height=128, width=128, filters=(8, 16, 24, 48, 96, 128)),
    "paper": PAPER,
}  # fmt: skip
