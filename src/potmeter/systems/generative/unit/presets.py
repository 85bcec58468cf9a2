"""The sizes that unpaired translation comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

LECTURE = Config(
    width=24, residual_blocks=4, instance_norm="in blocks", upsampling="nearest", discriminator_width=32,
    discriminator_layers=2, details=True, autoencoder_steps=500, batch_size=2, lr=4e-4, discriminator_lr=1e-3, ema=0.995,
    schedule="linear", precision="bfloat16",
)  # fmt: skip
PAPER = Config(
    dataset="own data", architecture="cyclegan", load_size=286, image_size=256, batch_size=1, lr=2e-4,
    schedule="late-linear",
)  # fmt: skip

PRESETS = {
    "tiny": Config(
        dataset="two-brushes", load_size=32, image_size=32, width=8, residual_blocks=2, instance_norm="in blocks",
        upsampling="nearest", discriminator_width=16, discriminator_layers=2, autoencoder_steps=100, batch_size=4, lr=2e-3,
        ema=0.98, schedule="linear", loss_network="random", feature_extractor="classifier.faces",
        feature_extractor_size=64,
    ),
    "lecture": LECTURE,
    "cyclegan": replace(LECTURE, architecture="cyclegan"),
    "paper": PAPER,
    "paper-unit": replace(PAPER, architecture="unit", residual_blocks=8, lr=1e-4, schedule="constant"),
}  # fmt: skip
