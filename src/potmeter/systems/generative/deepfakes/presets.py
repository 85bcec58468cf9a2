"""The presets of DeepFakes."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

PAPER = Config(batch_size=64, lr=5e-5, schedule="constant", padding="keras")
LECTURE = replace(
    PAPER, filters=(32, 64, 96, 192), code_dim=192, shared_filters=96, decoder_filters=(64, 32, 16), batch_size=16, lr=1e-3,
    schedule="cosine", warmup=0.02, ema=0.998, precision="bfloat16", padding="torch", anneal=0.5,
)  # fmt: skip

PRESETS = {
    "tiny": replace(
        LECTURE, dataset="drawn-people", image_size=32, filters=(24, 48, 96), code_dim=16, shared_filters=48,
        decoder_filters=(32, 16), lr=2e-3, ema=0.98, precision="float32",
    ),
    "lecture": LECTURE,
    "paper": PAPER,
}  # fmt: skip
