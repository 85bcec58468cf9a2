"""How much of the data distribution a generator covers: measures that show mode collapse."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.errors import reject


def neighbour_coverage(
    real: Float[Tensor, "n features"], fake: Float[Tensor, "m features"], neighbours: int = 5
) -> Float[Tensor, " n"]:
    """Whether each real picture has a generated one as near as its own k-th nearest real neighbour.

    Its mean is the coverage of Naeem et al. 2020 (arXiv:2002.09797), equation 10; of two real sets it is about 1 − 2⁻ᵏ.

    Args:
        real, fake: Features, a row for each picture.
        neighbours: k, the paper's 5.
    """
    len(real) > neighbours or reject(f"Coverage takes more than {neighbours} real pictures.", len(real))
    covered = []
    for part in real.split(1000):
        radius = torch.cdist(part, real).kthvalue(neighbours + 1, dim=1).values  # the nearest is itself
        covered.append(torch.cdist(part, fake).amin(1) <= radius)
    return torch.cat(covered).float()


def diversity(fake: Tensor, real: Tensor, labels: Int[Tensor, " n"] | None = None) -> Float[Tensor, ""]:
    """Mean distance between two generated pictures over that between two real ones; 0 when all are the same.

    Args:
        fake, real: As many pictures of each (N, …).
        labels: Their classes, where only pictures of one class are to be compared.
    """
    pairs = torch.ones(len(fake), len(fake), dtype=torch.bool, device=fake.device).triu(1)
    if labels is not None:
        same = labels[:, None] == labels[None]
        pairs &= same if bool((pairs & same).any()) else pairs
    ours, theirs = (torch.cdist(x.flatten(1), x.flatten(1))[pairs].mean() for x in (fake.detach(), real.detach()))
    return ours / theirs.clamp(min=1e-12)
