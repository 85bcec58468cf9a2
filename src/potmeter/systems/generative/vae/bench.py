"""Speed of the variational autoencoder: of its training loop, and of drawing."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import matmul_rate
from potmeter.core.training.overhead import loop_overhead

from .system import VAE


def rows() -> Iterator[Row]:
    """The comparisons."""
    config = VAE.presets["lecture"]
    if is_selected("loop_ms"):
        ours, bare = loop_overhead(VAE, config, VAE.data(config), steps=150)
        note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
        yield compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)
    if is_selected("draw_pictures_per_s"):
        system, z = VAE(config).eval(), torch.randn(256, config.latent_dim)
        with torch.inference_mode():
            seconds = interleave(
                {"ours": stopwatch(lambda: system.decode(z)), "one": stopwatch(lambda: decode_one_by_one(system, z))}
            )
        products = 256 * config.latent_dim + 256 * 3136 + 49 * 64 * 32 * 16 + 196 * 32 * 16  # of one picture
        note = "the transposed convolutions have few channels and are bound by memory, not by arithmetic"
        rates = {name: len(z) / value for name, value in seconds.items()}
        limit = matmul_rate() / (2 * products)
        yield compare(
            "draw_pictures_per_s", "pictures/s", rates["ours"], rates["one"], "one by one", limit=limit, note=note
        )


def decode_one_by_one(system: VAE, z: torch.Tensor) -> None:
    """Draw each picture by itself, as a plain script would."""
    for code in z.split(1):
        system.decode(code)
