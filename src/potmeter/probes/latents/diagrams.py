"""Diagrams of a latent space: analogies, and grids of what lies between given codes.

White, "Sampling Generative Networks" (arXiv:1609.04468).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.nn.interpolation import interpolate_path


def analogy(a: Float[Tensor, " d"], b: Float[Tensor, " d"], c: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """a is to b as c is to …: c + b − a."""
    return c + (b - a)


def jdiagram(
    a: Float[Tensor, " d"], b: Float[Tensor, " d"], c: Float[Tensor, " d"], side: int, method: str = "slerp"
) -> Float[Tensor, "n d"]:
    """White's J-diagram: a, b and c in three corners, the analogy in the fourth, and what lies between.

    Args:
        a, b, c: Codes of the upper left, the upper right and the lower left corner.
        side: Codes along each side, at least 2.
        method: slerp or lerp.

    Returns:
        side² codes, row by row.
    """
    return mine_grid(torch.stack([a, b, c, analogy(a, b, c)]), 2, side, method)


def mine_grid(anchors: Float[Tensor, "k d"], columns: int, side: int, method: str = "slerp") -> Float[Tensor, "n d"]:
    """A grid of anchors, and what lies between them: along the columns first, then along the rows (White's MINE grid).

    Args:
        anchors: rows × columns codes, row by row; at least two of each.
        columns: Anchors in a row.
        side: Codes from an anchor to the next, both counted.
        method: slerp or lerp.

    Returns:
        ((rows − 1)(side − 1) + 1) × ((columns − 1)(side − 1) + 1) codes, row by row.
    """
    grid = anchors.unflatten(0, (-1, columns))  # (rows, columns, d)
    edges = torch.stack(
        [interpolate_path(column, side - 1, method) for column in grid.unbind(1)], 1
    )  # (height, columns, d)
    return torch.cat([interpolate_path(row, side - 1, method) for row in edges])
