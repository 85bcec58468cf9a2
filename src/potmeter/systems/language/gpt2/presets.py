"""The sizes that GPT-2 comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

OPENAI = Config(tokenizer="gpt2", batch_size=512, lr=2.5e-4, weight_decay=0.01, warmup=0.01, clip=1.0)
SMALL = Config(
    vocab_size=2048, context_length=256, num_layers=4, num_heads=6, embedding_dim=192, attention_dropout=0.0,
    batch_size=8, lr=2e-3, muon_lr=0.02, weight_decay=0.1, warmup=0.03, clip=1.0,
)  # fmt: skip
NANOGPT = Config(
    vocab_size=1024, context_length=64, num_layers=4, num_heads=4, embedding_dim=128, dropout=0.0, attention_dropout=0.0,
    batch_size=12, lr=1e-3, weight_decay=0.1, schedule="cosine10", warmup=0.05, clip=1.0,
)  # fmt: skip
"""What nanoGPT's README trains on a computer without a GPU."""

PRESETS = {
    "tiny": replace(
        NANOGPT,
        dataset="walks",
        vocab_size=400,
        num_layers=2,
        embedding_dim=64,
        batch_size=16,
        lr=5e-3,
        schedule="cosine",
    ),
    "lecture": SMALL,
    "nanogpt": NANOGPT,
    "paper": OPENAI,
    "124M": OPENAI,
    "355M": replace(OPENAI, num_layers=24, num_heads=16, embedding_dim=1024),
    "774M": replace(OPENAI, num_layers=36, num_heads=20, embedding_dim=1280),
    "1558M": replace(OPENAI, num_layers=48, num_heads=25, embedding_dim=1600),
}
"""The last four are OpenAI's."""
