"""What is measured of a translator, and of the simple methods that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.splits import Splits
from potmeter.metrics.frechet import frechet_distance
from potmeter.nn.colour_transfer import fit_colour_map, map_colours
from potmeter.systems.generative.feature_extractor import FeatureExtractor
from potmeter.systems.generative.neighbours import nearest_pictures

DIRECTIONS = (0, 1), (1, 0)
"""From the first style to the second, and back."""
MIN_HALF = 2
"""Fewest pictures in a half of those that sets are compared by."""

Translate = Callable[[Tensor, int], Tensor]
"""From pictures (N, 3, H, W) in [0, 1] and the number of their style to those in the other style."""
PairMetric = Callable[[Tensor, Tensor], Tensor]
"""From pictures and as many others to a distance for each pair."""


def read_pictures(data: Any, device: torch.device | str) -> tuple[Tensor, ...]:
    """All pictures of a data set of two styles: (N, 3, H, W) in [0, 1] of the first, (M, 3, H, W) of the second."""
    parts = (data.first, data.second)
    return tuple(torch.cat([batch["image"] for batch in in_batches(part, 50, device)]) for part in parts)


def measure(
    translate: Translate, real: Sequence[Tensor], extractor: FeatureExtractor, pair_metric: PairMetric | None
) -> dict[str, Tensor]:
    """``fid``, ``fid_real_real``, ``cycle_error`` and, of pairs, ``paired_distance``: the means of both ways.

    Sets are compared by halves, so that a translated picture is not compared with its own counterpart: every other
    picture, translated, with those between them in the style; and two halves in the style as a floor.

    Args:
        translate: What is measured.
        real: Pictures (N, 3, H, W) of each style, pairs where there is a metric of pairs.
        extractor: In whose features sets are compared.
        pair_metric: Of pairs, or None.
    """
    translated = [translate(real[source], source) for source, _ in DIRECTIONS]
    back = [translate(translated[n], target) for n, (_, target) in enumerate(DIRECTIONS)]
    errors = [(back[n] - real[source]).abs().mean((1, 2, 3)) for n, (source, _) in enumerate(DIRECTIONS)]
    values = {"cycle_error": mean_of_both(errors)}
    if min(map(len, real)) >= 2 * MIN_HALF:
        features, ours = ([extractor.features(x) for x in pictures] for pictures in (real, translated))
        values["fid"] = mean_distance(ours, features)
        values["fid_real_real"] = mean_distance([features[target] for _, target in DIRECTIONS], features)
    if pair_metric is not None:
        pairs = [pair_metric(translated[n], real[target]) for n, (_, target) in enumerate(DIRECTIONS)]
        values["paired_distance"] = mean_of_both(pairs)
    return values


def measure_baselines(
    splits: Splits, extractor: FeatureExtractor, pair_metric: PairMetric | None, device: torch.device | str
) -> dict[str, float]:
    """The same of three rivals.

    ``identity``: the pictures as they are; ``nearest``: the training picture in the other style whose thumbnail is nearest;
    ``colour_transfer``: the linear map of colours that gives a style's training pictures the other's mean and covariance.
    """
    real, trained = (read_pictures(part, device) for part in (splits.test, splits.train))
    maps = [fit_colour_map(pixels(trained[source]), pixels(trained[target])) for source, target in DIRECTIONS]
    sets = (splits.train.first, splits.train.second)
    rivals: dict[str, list[Tensor]] = {
        "identity": [real[source] for source, _ in DIRECTIONS],
        "nearest": [nearest_pictures(real[source], sets[target]) for source, target in DIRECTIONS],
        "colour_transfer": [map_colours(real[source], *maps[source]) for source, _ in DIRECTIONS],
    }
    values = {}
    if pair_metric is not None:
        for name, pictures in rivals.items():
            pairs = [pair_metric(pictures[n], real[target]) for n, (_, target) in enumerate(DIRECTIONS)]
            values[f"{name}_paired_distance"] = float(mean_of_both(pairs).mean())
    if min(map(len, real)) >= 2 * MIN_HALF:
        features = [extractor.features(x) for x in real]
        for name in ("identity", "colour_transfer"):
            values[f"{name}_fid"] = float(mean_distance([extractor.features(x) for x in rivals[name]], features))
    return values


def mean_distance(ours: Sequence[Tensor], real: Sequence[Tensor]) -> Tensor:
    """The Fréchet distance of every other translated picture's features to those between them, the mean of both ways."""
    distances = [frechet_distance(ours[n][0::2], real[target][1::2]) for n, (_, target) in enumerate(DIRECTIONS)]
    return torch.tensor(sum(distances) / 2)


def mean_of_both(values: Sequence[Float[Tensor, " _"]]) -> Tensor:
    """The means of both ways, (N,) of pairs, else a scalar."""
    return (values[0] + values[1]) / 2 if len(values[0]) == len(values[1]) else torch.cat(list(values)).mean()


def pixels(images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "3 y w"]:
    """All pictures as one, the next below the one before."""
    return images.transpose(0, 1).flatten(1, 2)
