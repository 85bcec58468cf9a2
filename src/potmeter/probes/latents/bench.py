"""Speed of the ways through a latent space, beside scipy's."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from scipy.spatial import geometric_slerp

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.nn.interpolation import slerp

FRAMES, DIMENSIONS, WALKS = 36, 64, 50


def rows() -> Iterator[Row]:
    """The comparison."""
    if not is_selected("slerp_codes_per_s"):
        return
    rng = torch.Generator().manual_seed(0)
    stops = torch.randn(WALKS, 2, DIMENSIONS, generator=rng)
    stops = stops / stops.norm(dim=2, keepdim=True)  # scipy's walks on the unit sphere only
    shares = torch.linspace(0, 1, FRAMES)
    arrays, steps = stops.double().numpy(), shares.double().numpy()
    arrays = arrays / (arrays**2).sum(2, keepdims=True) ** 0.5
    seconds = interleave(
        {
            "ours": stopwatch(lambda: [slerp(a, b, shares) for a, b in stops]),
            "scipy": stopwatch(lambda: [geometric_slerp(a, b, steps) for a, b in arrays]),
        }
    )
    ours, peer = (WALKS * FRAMES / seconds[name] for name in ("ours", "scipy"))
    note = f"{FRAMES} codes of {DIMENSIONS} numbers a walk; scipy's only on the unit sphere"
    yield compare("slerp_codes_per_s", "codes/s", ours, peer, "scipy's geometric_slerp", note=note)
