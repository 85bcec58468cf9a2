"""How much of the data a generator makes: distances that show when it draws the same few pictures again and again."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject


def neighbour_coverage(
    real: Float[Tensor, "n features"], made: Float[Tensor, "m features"], neighbours: int = 5
) -> Float[Tensor, " n"]:
    """Whether each real picture has a made one as near as its own k-th real neighbour (Naeem et al. 2020, equation 10).

    Real pictures against others of their kind have about 1 − 2⁻ᵏ.

    Args:
        real, made: Features, a row for each picture.
        neighbours: k, the paper's 5.
    """
    len(real) > neighbours or reject(f"Coverage takes more than {neighbours} real pictures.", len(real))
    covered = []
    for part in real.split(1000):
        radius = torch.cdist(part, real).kthvalue(neighbours + 1, dim=1).values  # the nearest is itself
        covered.append(torch.cdist(part, made).amin(1) <= radius)
    return torch.cat(covered).float()


def diversity(made: Tensor, real: Tensor, labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, ""]:
    """Mean distance between two made pictures as a share of that between two real ones; 0 when all are the same.

    Args:
        made, real: As many pictures of each (N, …).
        labels: Their classes, where only pictures of one class are to be compared.
    """
    pairs = torch.ones(len(made), len(made), dtype=torch.bool, device=made.device).triu(1)
    if labels is not None:
        same = labels[:, None] == labels[None]
        pairs &= same if bool((pairs & same).any()) else pairs
    apart, wanted = (torch.cdist(x.flatten(1), x.flatten(1))[pairs].mean() for x in (made.detach(), real.detach()))
    return apart / wanted.clamp(min=1e-12)
