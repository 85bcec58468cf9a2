"""The sizes that a translator comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

NMT = Config(
    both=False, vocabulary=17_191, target_vocabulary=7_709, width=512, layers=2, decoder_layers=2, batch_size=128,
    optimizer="sgd", lr=1.0, clip=5.0, schedule="luong234", dropout=0.2, label_smoothing=0.0, copied=0.0, uniform=0.1,
)  # fmt: skip
"""tensorflow/nmt's for the English and Vietnamese of IWSLT 2015."""
SMALL = Config(
    architecture="transformer", vocabulary=4000, width=160, layers=3, decoder_layers=2, heads=4, feed_forward=480,
    dropout=0.1, longest=32, batch_size=64, lr=3e-3, warmup=0.1, clip=1.0, ema=0.999,
)  # fmt: skip
BASE = Config(
    architecture="transformer", vocabulary=32_000, width=512, layers=6, decoder_layers=6, heads=8, feed_forward=2048,
    dropout=0.1, longest=100, lr=7e-4, warmup=0.1, clip=1.0,
)  # fmt: skip
"""The Transformer's base model."""

PRESETS = {
    "tiny": Config(
        dataset="reverse", both=False, vocabulary=24, width=48, layers=2, decoder_layers=2, dropout=0.0,
        label_smoothing=0.0, copied=0.0, lr=1e-2, clip=1.0, batch_size=64,
    ),
    "lecture": SMALL,
    "luong": replace(SMALL, architecture="luong", layers=2),
    "plain": replace(SMALL, architecture="none", layers=2, width=192),
    "transformer": BASE,
    "gnmt": replace(NMT, architecture="gnmt", layers=4, decoder_layers=4),
    "paper": NMT,
}  # fmt: skip
"""``plain`` has no attention, and about as many knobs as ``lecture``."""
