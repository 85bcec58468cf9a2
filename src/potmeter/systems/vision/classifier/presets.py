"""The sizes and kinds that a classifier comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

SMALL = Config(
    architecture="resnet", image_size=28, channels=1, mean=(0.1307,), std=(0.3081,), stem=16,
    batch_size=64, lr=3e-3, weight_decay=0.05, schedule="linear", warmup=0.1, label_smoothing=0.05,
)  # fmt: skip
DIGITS = replace(SMALL, dataset="mnist", augment="digits")
ROBUST = replace(
    DIGITS, architecture="plain", widths=(32, 64), blocks=(1, 1), augment="none", adversarial_training="pgd",
    adversarial_steps=5, batch_size=128, lr=4e-3, weight_decay=0.0, label_smoothing=0.0, ema=0.999,
)  # fmt: skip
FACES = replace(
    SMALL, architecture="plain", dataset="faces", image_size=64, channels=3, mean=(0.74, 0.63, 0.58),
    std=(0.22, 0.26, 0.32), widths=(16, 32, 64), hidden=128, augment="clothes", lr=2e-3,
)  # fmt: skip
FASHION = replace(SMALL, dataset="fashion", augment="clothes", mean=(0.2860,), std=(0.3530,), test_time_flip=True)

PRESETS = {
    "tiny": replace(DIGITS, dataset="digits", augment="none", stem=8, widths=(16, 32), blocks=(1, 1), lr=5e-3),
    "lecture": Config(batch_size=16, lr=1e-3),
    "digits": DIGITS,
    "fashion": FASHION,
    "faces": FACES,
    "robust": ROBUST,
    "homework": replace(SMALL, dataset="cifar10", image_size=32, channels=3, augment="clothes", test_time_flip=True,
                        mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)),
    "paper": Config(dataset="imagenet", classes=tuple(map(str, range(1000))), pretrained=False),
}  # fmt: skip
