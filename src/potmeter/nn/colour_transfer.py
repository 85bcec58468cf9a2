"""Colours of one picture, or of one style, brought to another's by a linear map (Gatys et al. 2016, arXiv:1606.05897)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def transfer_colours(
    photographs: Float[Tensor, "n 3 h w"], painting: Float[Tensor, "3 y x"]
) -> Float[Tensor, "n 3 h w"]:
    """Photographs whose colours get the painting's mean and covariance, each by a map of its own (section 3.1)."""
    return torch.cat([map_colours(one[None], *fit_colour_map(one, painting)) for one in photographs])


def fit_colour_map(
    source: Float[Tensor, "3 ..."], target: Float[Tensor, "3 ..."]
) -> tuple[Float[Tensor, "3 3"], Float[Tensor, " 3"]]:
    """The linear map, matrix and offset, that gives colours the mean and the covariance of others.

    Args:
        source: The colours that are mapped, in [0, 1].
        target: Those that they become like.
    """
    mean, _, inverse = colour_statistics(source)
    wanted, root, _ = colour_statistics(target)
    matrix = root @ inverse
    return matrix, wanted - matrix @ mean


def map_colours(
    pictures: Float[Tensor, "n 3 h w"], matrix: Float[Tensor, "3 3"], offset: Float[Tensor, " 3"]
) -> Float[Tensor, "n 3 h w"]:
    """Pictures whose colours go through a linear map, and are clipped to [0, 1]."""
    moved = matrix @ pictures.flatten(2) + offset[:, None]
    return moved.view_as(pictures).clamp(0, 1)


def colour_statistics(picture: Float[Tensor, "3 ..."]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (3,), and the square root of the covariance of the colours and its inverse, (3, 3) each."""
    pixels = picture.flatten(1)
    values, vectors = torch.linalg.eigh(torch.cov(pixels) + 1e-5 * torch.eye(3, device=picture.device))
    roots = values.clamp_min(1e-8).sqrt()
    return pixels.mean(1), vectors @ roots.diag() @ vectors.mT, vectors @ (1 / roots).diag() @ vectors.mT
