"""The sizes and kinds that DensePose comes in."""

from __future__ import annotations

from potmeter.data.splits import OWN_DATA

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="mannequins", backbone="convolutions", norm="batch", image_size=64, max_size=96, finest=4, channels=32,
        anchor_sizes=(12.0, 20.0, 32.0, 48.0, 64.0), anchor_ratios=(1.0, 2.0), anchors=64, proposals=32, regions=16, surfaces=2,
        box_features=64, surface_channels=32, surface_layers=3, residual=True, muon_lr=0.02, batch_size=8,
        lr=3e-3, weight_decay=0.1, warmup=0.05,
    ),
    "lecture": Config(
        image_size=160, max_size=256, finest=8, frozen=7, anchor_sizes=(40.0, 72.0, 112.0, 152.0),
        anchor_ratios=(0.6, 1.2, 2.4), anchors=64, proposals=50, regions=16, surfaces=2, surface_channels=96, residual=True,
        batch_size=8, lr=1.5e-3, weight_decay=1e-2, warmup=0.03, ema=0.99, clip=10.0, precision="bfloat16",
    ),
    "paper": Config(
        dataset=OWN_DATA, backbone="resnet50", norm="frozen", frozen=2, image_size=800, max_size=1333, channels=256,
        proposals=1000, regions=512, surfaces=128, box_features=1024, surface_channels=512, batch_size=2, lr=1e-4,
        weight_decay=1e-4, warmup=0.01,
    ),
}  # fmt: skip
"""``lecture`` looks for people who fill much of the picture, from stride 8 on; ``paper`` has the original's sizes."""
