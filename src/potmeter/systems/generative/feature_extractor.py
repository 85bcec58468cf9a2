"""How good generated pictures are, in the features of a network trained apart: Fréchet distance and coverage."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from potmeter.core.capabilities import has_capabilities
from potmeter.core.loading import load
from potmeter.core.random import RandomStream
from potmeter.data.batches import in_batches
from potmeter.data.splits import Splits, take_evenly
from potmeter.errors import reject
from potmeter.metrics.coverage import neighbour_coverage
from potmeter.metrics.features import extract_features, prepare_images
from potmeter.metrics.frechet import frechet_distance

NEIGHBOURS = 5
"""k of the coverage: a generated picture covers a real one that is no farther from it than its k-th real neighbour."""
cached_features: WeakKeyDictionary[Any, dict[tuple[int, int, int], Tensor]] = WeakKeyDictionary()
"""Features of real pictures that were asked for before: by data set, then by network, side and number."""


class FeatureExtractor:
    """A network in whose features pictures are compared: of a classifier, the inputs of its last linear layer.

    Args:
        name: A system with the capability ``Embedder``: ``classifier.digits``.
        side: Height and width in pixels of the pictures that it is given.
        device: Where it runs.

    Raises:
        UserError: There is no such system, or it is no Embedder.
    """

    def __init__(self, name: str, side: int, device: torch.device | str = "cpu") -> None:
        self.network, self.side, self.device = load_embedder(name).to(device), side, device

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """Features (N, F) of pictures (N, C, H, W) in [0, 1]."""
        return extract_features(self.network, images, self.side)

    def features_of(self, data: Any, count: int) -> Tensor:
        """Features (N, F) of at most ``count`` pictures of a data set, kept for the next time that they are asked for."""
        cache, key = cached_features.setdefault(data, {}), (id(self.network), self.side, count)
        if key not in cache:
            batches = in_batches(take_evenly(data, count), 500, self.device)
            cache[key] = torch.cat([self.features(batch["image"]) for batch in batches])
        return cache[key]

    @torch.no_grad()
    def predictions(self, images: Tensor) -> Tensor:
        """The class (N,) that its classifier predicts for each picture (N, C, H, W) in [0, 1]."""
        parts = (prepare_images(part, self.network.input_shape[0], self.side) for part in images.split(100))
        return torch.cat([self.network.logits(part).argmax(1) for part in parts])

    def compare(self, fake: Tensor, real: Tensor, others: Tensor | None = None) -> dict[str, Tensor]:
        """Generated pictures beside real ones, by their features (N, F), as many of each.

        Args:
            fake, real: Their features.
            others: Features of real pictures that are not among ``real``, for ``frechet_real_real``.

        Returns:
            ``frechet``, the Fréchet distance; ``coverage`` (N,), whether a generated picture is as near to each real one
            as its fifth real neighbour; ``frechet_real_real``, the distance of the others from the real
            ones.
        """
        distance = torch.tensor(frechet_distance(fake, real))
        values = {"frechet": distance, "coverage": neighbour_coverage(real, fake, NEIGHBOURS)}
        return (
            values if others is None else values | {"frechet_real_real": torch.tensor(frechet_distance(others, real))}
        )

    @torch.no_grad()
    def compare_generator(
        self, generate: Callable[[int], Tensor], data: Any, count: int, *, real_real: bool = False
    ) -> dict[str, Tensor]:
        """As many pictures of a generator as real ones beside these; ``compare`` of their features.

        Args:
            generate: From a number N to pictures (N, C, H, W) in [0, 1], the same every time.
            data: The real pictures, of which at most ``count`` are taken.
            count: How many.
            real_real: Compare with every other real picture only, and with those in between as ``others``.
        """
        real, others = self.features_of(data, count), None
        if real_real:
            real, others = real[0::2], real[1::2]
        return self.compare(self.features(generate(len(real))), real, others)

    def gaussian_baseline(self, splits: Splits, count: int, *, independent: bool = False) -> float:
        """Fréchet distance of ``count`` pictures drawn from a Gaussian fitted to the training pictures' pixels.

        Args:
            splits: Where training and test pictures are.
            count: How many are drawn and compared with; at most half of the test pictures, as for ``frechet_real_real``.
            independent: Each pixel by itself; else with all their covariances, as 5,000 pictures show them.
        """
        count = min(count, len(splits.test) // 2)
        real, rng = self.features_of(splits.test, count), RandomStream(0, device=self.device)
        images = torch.cat([batch["image"] for batch in in_batches(take_evenly(splits.train, 5000), 500, self.device)])
        x = images.flatten(1)
        if independent:
            deviation = rng.normal(len(real), x.shape[1]) * x.std(0)
        else:
            deviation = rng.normal(len(real), len(x)) @ ((x - x.mean(0)) / (len(x) - 1) ** 0.5)
        drawn = (x.mean(0) + deviation).clamp(0, 1).view(-1, *images.shape[1:])
        return frechet_distance(self.features(drawn), real)


def require_enough_images(splits: Splits) -> Splits:
    """The splits, if they can be measured with. Raises UserError when there are too few pictures beside the training ones."""
    count = 0 if splits.valid is None else len(splits.valid)
    count > NEIGHBOURS or reject(
        f"There are too few pictures: more than {NEIGHBOURS} must be held out to compare with, a tenth of all.", count
    )
    return splits


@cache
def load_embedder(name: str) -> Any:
    """A network with the capability Embedder, in evaluation mode. Raises UserError when it has not."""
    with torch.random.fork_rng(devices=[]):  # a training that asks for one goes on with its own random numbers
        network = load(name)
    has_capabilities(network, ["Embedder"]) or reject(f"{name} is no Embedder: it cannot extract features.", name)
    return network
