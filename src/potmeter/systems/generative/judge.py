"""How good made pictures are, judged by a network trained apart, and when a training must stop because they are all alike."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from potmeter.core.capabilities import has_capabilities
from potmeter.core.loading import load
from potmeter.core.random import Stream
from potmeter.core.training.log import Diverged
from potmeter.data.batches import in_batches
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.metrics.coverage import diversity, neighbour_coverage
from potmeter.metrics.features import extract_features, prepare_images
from potmeter.metrics.frechet import frechet_distance

LEAST = 0.15
"""Made pictures that differ less than this, as a share of how much real ones do, are all the same."""
GRACE, CHECKED = 500, 100
"""Steps before a training is first looked after, and between two looks."""
NEIGHBOURS = 5
"""Real pictures among whose distances a made one counts as near."""
known: WeakKeyDictionary[Any, dict[tuple[int, int, int], Tensor]] = WeakKeyDictionary()
"""Vectors of real pictures that were seen before: by data set, then by network, side and number."""


class Collapsed(Diverged):
    """The generator draws the same picture, whatever the noise."""


def check_for_collapse(made: Tensor, real: Tensor, step: int, labels: Tensor | None = None) -> None:
    """Look, every so many steps of a training, whether the generator has collapsed. Raises Collapsed."""
    if step >= GRACE and step % CHECKED == 0:
        raise_if_collapsed(float(diversity(made, real, labels)), step)


def raise_if_collapsed(share: float, step: int) -> None:
    """End a training whose generator has collapsed. Raises Collapsed."""
    if share < LEAST:
        raise Collapsed(
            f"The generator has collapsed at step {step}: its pictures differ less than {LEAST:.0%} as much as real ones. "
            "Lower --lr, raise --r1, or begin with another --seed.",
            received=f"{share:.1%}",
        )


class Judge:
    """A network that compares pictures by what it sees in them: of a classifier, what its last linear layer sees.

    Args:
        name: A system with the capability ``Embedder``: ``classifier.digits``.
        side: Height and width in pixels that it sees pictures in.
        device: Where it works.

    Raises:
        UserError: There is no such system, or it is no Embedder.
    """

    def __init__(self, name: str, side: int, device: torch.device | str = "cpu") -> None:
        self.network, self.side, self.device = load_judge(name).to(device), side, device

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Vectors (N, F) of pictures (N, C, H, W) in [0, 1]."""
        return extract_features(self.network, images, self.side)

    def of(self, data: Any, count: int) -> Tensor:
        """Vectors of at most ``count`` pictures of a data set, kept for the next time that it is asked about."""
        kept, key = known.setdefault(data, {}), (id(self.network), self.side, count)
        if key not in kept:
            batches = in_batches(take_evenly(data, count), 500, self.device)
            kept[key] = torch.cat([self.features(batch["image"]) for batch in batches])
        return kept[key]

    @torch.no_grad()
    def predictions(self, images: Tensor) -> Tensor:
        """The class (N,) that it takes each picture for."""
        shown = (prepare_images(part, self.network.input_shape[0], self.side) for part in images.split(100))
        return torch.cat([self.network.logits(part).argmax(1) for part in shown])

    def compared(self, made: Tensor, real: Tensor, others: Tensor | None = None) -> dict[str, Tensor]:
        """Made pictures beside real ones, by their vectors, as many of each.

        Args:
            made, real: (N, F).
            others: Real pictures that are not among ``real``, for the floor.

        Returns:
            ``distance``: Fréchet's; ``covered`` (N,): whether a made picture is as near to each real one as its fifth
            real neighbour; ``floor``: the distance of the others from the real ones.
        """
        distance = torch.tensor(frechet_distance(made, real))
        values = {"distance": distance, "covered": neighbour_coverage(real, made, NEIGHBOURS)}
        return values if others is None else values | {"floor": torch.tensor(frechet_distance(others, real))}

    def gaussian(self, splits: Splits, count: int, *, apart: bool = False) -> float:
        """Fréchet distance of ``count`` pictures drawn from a Gaussian fitted to the training pictures' pixels.

        Args:
            splits: Where training and test pictures are.
            count: How many are drawn and compared with, and at most half of the test pictures, as where there is a floor.
            apart: Each pixel by itself; else with all their covariances, as 5,000 pictures show them.
        """
        count = min(count, len(splits.test) // 2)
        real, rng = self.of(splits.test, count), Stream(0, device=self.device)
        images = torch.cat([batch["image"] for batch in in_batches(take_evenly(splits.train, 5000), 500, self.device)])
        x = images.flatten(1)
        if apart:
            mixed = rng.normal(len(real), x.shape[1]) * x.std(0)
        else:
            mixed = rng.normal(len(real), len(x)) @ ((x - x.mean(0)) / (len(x) - 1) ** 0.5)
        drawn = (x.mean(0) + mixed).clamp(0, 1).view(-1, *images.shape[1:])
        return frechet_distance(self.features(drawn), real)


def require_comparable(splits: Splits) -> Splits:
    """The splits, if they can be measured with. Raises UserError when there are too few pictures beside the training ones."""
    count = 0 if splits.valid is None else len(splits.valid)
    count > NEIGHBOURS or reject(
        f"More than {NEIGHBOURS} pictures are held out to compare with, a tenth of them all: give more.", count
    )
    return splits


@cache
def load_judge(name: str) -> Any:
    """The network that judges, in evaluation mode. Raises UserError when it is no Embedder."""
    with torch.random.fork_rng(devices=[]):  # a training that asks for a judge goes on with its own random numbers
        network = load(name)
    return (
        network if has_capabilities(network, ["Embedder"]) else reject(f"{name} is no Embedder and cannot judge.", name)
    )
