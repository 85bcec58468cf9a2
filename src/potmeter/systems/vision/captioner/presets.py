"""The sizes that a captioner comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

LECTURE = Config(
    batch_size=64, lr=2e-3, weight_decay=0.05, clip=5.0, warmup=0.05, ema=0.995, dropout=0.5, label_smoothing=0.1,
    image_size=448, class_names=True,
)  # fmt: skip

PRESETS = {
    "tiny": Config(
        dataset="drawn-scenes", encoder="convolutions", image_size=48, channels=64, annotation_dim=64, embedding_dim=64,
        hidden_size=96, dropout=0.0, lr=4e-3, clip=5.0, batch_size=64,
    ),
    "lecture": LECTURE,
    "tell": replace(LECTURE, architecture="tell"),
    "paper": Config(
        architecture="tell", annotation_dim=1280, embedding_dim=512, hidden_size=512, dropout=0.3, min_count=4, batch_size=32,
        lr=4e-4, clip=5.0,
    ),
}  # fmt: skip
"""``tell`` sees the picture once; ``paper`` has Show and Tell's sizes, above MobileNetV2 in place of its Inception v3."""
