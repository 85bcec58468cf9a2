"""The sizes and kinds that a detector comes in."""

from __future__ import annotations

from potmeter.data.splits import OWN_DATA

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="drawn-objects", backbone="convolutions", norm="batch", image_size=64, max_size=64, channels=32,
        anchor_sizes=(10.0, 18.0, 28.0, 40.0, 56.0), anchor_ratios=(1.0,), anchors=64, proposals=32, regions=16,
        box_features=64, mask_layers=2, batch_size=8, lr=3e-3, warmup=0.05,
    ),
    "lecture": Config(
        batch_size=4, lr=1e-3, weight_decay=1e-2, warmup=0.05, ema=0.995, clip=10.0, frozen=15, precision="bfloat16",
        proposals=100, regions=48,
    ),
    "paper": Config(
        dataset=OWN_DATA, backbone="resnet50", norm="frozen", frozen=2, image_size=800, max_size=1333, channels=256,
        anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0), proposals=1000, regions=512, box_features=1024, batch_size=2, lr=1e-4,
        weight_decay=1e-4, warmup=0.01,
    ),
}  # fmt: skip
