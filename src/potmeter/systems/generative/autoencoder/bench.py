"""Speed of the autoencoder: of its training loop, and beside PCA."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sklearn.decomposition import PCA

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import matmul_rate
from potmeter.core.training.overhead import loop_overhead

from .system import Autoencoder


def rows() -> Iterator[Row]:
    """The comparisons."""
    config = Autoencoder.presets["lecture"]
    if is_selected("loop_ms"):
        ours, bare = loop_overhead(Autoencoder, config, Autoencoder.data(config), steps=150)
        note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
        yield compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)
    if is_selected("reconstruct_pictures_per_s"):
        net = Autoencoder(config).eval().net("z32")
        images = torch.rand(1000, 1, 28, 28)
        pixels = images.flatten(1).numpy()
        pca = PCA(32, random_state=0).fit(pixels)
        with torch.inference_mode():
            timings = {
                "ours": stopwatch(lambda: net(images)),
                "pca": stopwatch(lambda: pca.inverse_transform(pca.transform(pixels))),
            }
            seconds = interleave(timings)
        products = sum(p.numel() for p in net.parameters() if p.ndim == 2)
        note = "PCA is two small matrix products; the network does twenty times as many"
        rates = {name: len(images) / value for name, value in seconds.items()}
        limit = matmul_rate() / (2 * products)
        what = "reconstruct_pictures_per_s"
        yield compare(what, "pictures/s", rates["ours"], rates["pca"], "PCA of scikit-learn", limit=limit, note=note)
