"""What is measured of a generator of pictures from sentences, and of the simple methods that it must beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.data.captions import CaptionData
from potmeter.data.sets.birds import BirdData
from potmeter.data.splits import Splits, take_evenly
from potmeter.systems.generative.feature_extractor import NEIGHBOURS, FeatureExtractor

from .measure import (
    first_sentences,
    judge_pictures,
    measure_diversity,
    measure_sharpness,
    nearest_sentences,
    read_pictures,
    retrieve_sentences,
    stated_accuracy,
)
from .model import enlarge

SHARPNESS_COUNT = 100
"""Test pictures whose sharpness is measured."""


class TextToImage(Protocol):
    """What is measured."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""

    def generate(self, texts: Sequence[str], rng: RandomStream, *, large: bool = True) -> tuple[Tensor, Tensor]:
        """Small and large pictures (N, 3, H, W) in [0, 1] of sentences."""

    def embed_sentences(self, texts: Sequence[str]) -> Tensor:
        """Embeddings (N, D) of sentences."""

    def embed_pictures(self, images: Tensor) -> Tensor:
        """Embeddings (N, D) of pictures, to be compared with those of sentences."""


def measure(system: TextToImage, data: CaptionData, extractor: FeatureExtractor) -> dict[str, Tensor]:
    """What a picture of each sentence shows of what it states, and how like real pictures they all are.

    Args:
        system: What is measured.
        data: Pictures with sentences, of which the first about each picture counts.
        extractor: In whose features sets are compared: every other picture, generated, with the real ones between them.
    """
    texts = first_sentences(data)
    _, large = system.generate(texts, RandomStream(0, device=system.device))
    values = compare_sets(large, data, extractor)
    values |= judge_pictures(large, data) | measure_retrieval(system, large, texts)
    values["sharpness"] = torch.tensor(measure_both_stages(system, data)[0])
    if isinstance(data, BirdData):
        generate = lambda some: system.generate(some, RandomStream(1, device=system.device), large=False)[0].cpu()
        values["diversity"] = torch.tensor(measure_diversity(generate, data))
    return values


def compare_sets(images: Tensor, data: CaptionData, extractor: FeatureExtractor) -> dict[str, Tensor]:
    """How like the real pictures a set of generated ones (N, 3, H, W) is: every other one beside the real ones between them."""
    features, real = extractor.features(images), extractor.features_of(data, len(data))
    if len(real) // 2 > NEIGHBOURS:
        return extractor.compare(features[1::2], real[0::2], real[1::2])
    return extractor.compare(features, real)


def measure_baselines(system: TextToImage, splits: Splits, extractor: FeatureExtractor) -> dict[str, float]:
    """The picture of the training sentence nearest to each test sentence; that of any; stage I's pictures enlarged."""
    train, test = splits.train, splits.test
    texts = first_sentences(test)
    places = {
        "nearest": torch.tensor(nearest_sentences(first_sentences(train), texts)),
        "unconditional": RandomStream(2).integers(len(train), len(test)),
    }
    small, _ = system.generate(texts, RandomStream(0, device=system.device), large=False)
    enlarged = enlarge(small, test[0]["image"].shape[-1] // small.shape[-1])
    values = {
        "enlarged_sharpness": measure_both_stages(system, test)[1],
        "enlarged_frechet": float(compare_sets(enlarged, test, extractor)["frechet"]),
    }
    for name, chosen in places.items():
        if isinstance(train, BirdData):
            accuracy = stated_accuracy(train.attributes[chosen], test.stated)
            values[f"{name}_attribute_accuracy"] = float(accuracy.mean())
        images = read_pictures(train.select(chosen)).to(system.device)
        values[f"{name}_retrieval"] = float(measure_retrieval(system, images, texts)["retrieval"].mean())
    return values


def measure_retrieval(system: TextToImage, images: Tensor, texts: Sequence[str]) -> dict[str, Tensor]:
    """``retrieval`` (N,): whether each picture's sentence is found among fifty by the encoders of text and picture."""
    return {"retrieval": retrieve_sentences(system.embed_pictures(images), system.embed_sentences(texts))}


def measure_both_stages(system: TextToImage, data: Any) -> tuple[float, float]:
    """The sharpness of stage II's pictures, and of stage I's enlarged, beside real ones."""
    some = take_evenly(data, SHARPNESS_COUNT)
    small, large = system.generate(first_sentences(some), RandomStream(0, device=system.device))
    return measure_sharpness(large, small, read_pictures(some).to(large.device))
