"""The sizes that style transfer comes in."""

from __future__ import annotations

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="wheel-photos", painting="waves", photo_size=96, image_size=64, style_size=128, width=8, residual_blocks=1,
        loss_network="random", style_layers=("relu1_2", "relu2_2"), content_layer="relu2_2", batch_size=2, lr=5e-3,
    ),
    "lecture": Config(
        batch_size=1, lr=2e-3, muon_lr=0.02, weight_decay=0.1, warmup=0.03, ema=0.99, precision="bfloat16",
        schedule="cosine10",
    ),
    "paper": Config(photo_size=512, image_size=256, style_size=512, batch_size=4, schedule="constant"),
}  # fmt: skip
