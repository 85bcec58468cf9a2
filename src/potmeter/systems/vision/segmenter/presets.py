"""The sizes and kinds that a segmenter comes in."""

from __future__ import annotations

from potmeter.data.splits import OWN_DATA

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="shapes", architecture="unet", image_size=32, widths=(8, 16, 32), batch_size=16, lr=5e-3,
        mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25),
    ),
    "lecture": Config(
        batch_size=16, lr=2e-3, weight_decay=1e-2, warmup=0.05, ema=0.995, augment="people", precision="bfloat16"
    ),
    "scratch": Config(
        architecture="unet", widths=(16, 32, 64, 128, 256), batch_size=16, lr=2e-3, weight_decay=1e-2, warmup=0.05,
        ema=0.995, augment="people", precision="bfloat16",
    ),
    "paper": Config(
        dataset=OWN_DATA, architecture="unet", image_size=512, view="crop", widths=(64, 128, 256, 512, 1024),
        mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), batch_size=1, lr=1e-5, weight_decay=1e-8, clip=1.0,
    ),
}  # fmt: skip
