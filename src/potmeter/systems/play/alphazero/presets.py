"""The presets of AlphaGo Zero: games, boards and sizes."""

from __future__ import annotations

from dataclasses import replace

from .model import Config

TIC_TAC_TOE = Config(
    game="tic-tac-toe", history=1, blocks=2, channels=32, value_units=32, playouts=48, explore_moves=4, games=64,
    window=20_000, reuse=8.0, batch_size=128, lr=0.05, weight_decay=1e-4, match_every=250,
)  # fmt: skip

PRESETS = {
    "tiny": replace(TIC_TAC_TOE, blocks=1, channels=16, playouts=16, batch_size=64, games=32, match_every=100),
    "tictactoe": TIC_TAC_TOE,
    "connect4": replace(
        TIC_TAC_TOE, game="connect-four", blocks=4, channels=32, value_units=64, playouts=100, explore_moves=12,
        window=100_000, reuse=4.0, match_every=1000,
    ),
    "lecture": Config(
        size=5, komi=24.5, history=2, blocks=4, channels=48, value_units=64, playouts=96, explore_moves=8, games=64,
        window=60_000, reuse=4.0, batch_size=128, lr=0.05, weight_decay=1e-4, ema=0.99, match_every=1000,
        opening_moves=4, resign_below=-0.95, precision="bfloat16",
    ),
    "go7": Config(
        size=7, komi=8.5, history=2, blocks=4, channels=64, value_units=64, playouts=80, explore_moves=12, games=64,
        window=100_000, reuse=4.0, batch_size=128, lr=0.05, weight_decay=1e-4, ema=0.99, match_every=1000,
        opening_moves=4, resign_below=-0.95, precision="bfloat16",
    ),
    "paper": Config(
        size=19, komi=7.5, blocks=19, channels=256, playouts=1600, games=2048, batch_size=2048, lr=0.01,
        weight_decay=1e-4, schedule="constant", resign_below=-0.9, reuse=15.0,
    ),
}  # fmt: skip
