"""The sizes that GPT-2 comes in."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

OPENAI = Config(tokenizer="gpt2", batch_size=512, lr=2.5e-4, weight_decay=0.01, warmup=0.01, clip=1.0)
SMALL = Config(
    vocabulary=2048, context=256, layers=4, heads=6, width=192, attention_dropout=0.0,
    batch_size=8, lr=2e-3, muon_lr=0.02, weight_decay=0.1, warmup=0.03, clip=1.0,
)  # fmt: skip
NANOGPT = Config(
    vocabulary=1024, context=64, layers=4, heads=4, width=128, dropout=0.0, attention_dropout=0.0,
    batch_size=12, lr=1e-3, weight_decay=0.1, schedule="cosine10", warmup=0.05, clip=1.0,
)  # fmt: skip
"""What nanoGPT's README trains on a computer without a GPU."""

PRESETS = {
    "tiny": replace(
        NANOGPT, dataset="walks", vocabulary=400, layers=2, width=64, batch_size=16, lr=5e-3, schedule="cosine"
    ),
    "lecture": SMALL,
    "nanogpt": NANOGPT,
    "paper": OPENAI,
    "124M": OPENAI,
    "355M": replace(OPENAI, layers=24, heads=16, width=1024),
    "774M": replace(OPENAI, layers=36, heads=20, width=1280),
    "1558M": replace(OPENAI, layers=48, heads=25, width=1600),
}
"""The last four are OpenAI's."""
