"""The sizes that a translator comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

NMT = Config(
    both_directions=False, vocab_size=17_191, target_vocab_size=7_709, embedding_dim=512, encoder_layers=2,
    decoder_layers=2, batch_size=128, optimizer="sgd", lr=1.0, clip=5.0, schedule="luong234", dropout=0.2,
    label_smoothing=0.0, copy_probability=0.0, init_range=0.1,
)  # fmt: skip
"""tensorflow/nmt's for the English and Vietnamese of IWSLT 2015."""
SMALL = Config(
    architecture="transformer", vocab_size=4000, embedding_dim=160, encoder_layers=3, decoder_layers=2, num_heads=4,
    feed_forward_dim=480, dropout=0.1, max_length=32, batch_size=64, lr=3e-3, warmup=0.1, clip=1.0, ema=0.999,
)  # fmt: skip
BASE = Config(
    architecture="transformer", vocab_size=32_000, embedding_dim=512, encoder_layers=6, decoder_layers=6, num_heads=8,
    feed_forward_dim=2048, dropout=0.1, max_length=100, lr=7e-4, warmup=0.1, clip=1.0,
)  # fmt: skip
"""The Transformer's base model."""

PRESETS = {
    "tiny": Config(
        dataset="reverse", both_directions=False, vocab_size=24, embedding_dim=48, encoder_layers=2, decoder_layers=2,
        dropout=0.0, label_smoothing=0.0, copy_probability=0.0, lr=1e-2, clip=1.0, batch_size=64,
    ),
    "lecture": SMALL,
    "luong": replace(SMALL, architecture="luong", encoder_layers=2),
    "plain": replace(SMALL, architecture="lstm", encoder_layers=2, embedding_dim=192),
    "transformer": BASE,
    "gnmt": replace(NMT, architecture="gnmt", encoder_layers=4, decoder_layers=4),
    "paper": NMT,
}  # fmt: skip
"""``plain`` has no attention, and about as many parameters as ``lecture``."""
