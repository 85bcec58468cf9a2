"""How good generated pictures are: whether they show what was said, how varied and how sharp they are, beside real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.captions import CaptionData
from potmeter.data.sets.bird_anatomy import ATTRIBUTES, Bird, draw_bird
from potmeter.data.sets.birds import BirdData, BirdPictures
from potmeter.metrics.coverage import diversity

from .judge import load_judge
from .model import enlarge
from .sentences import split_words

CANDIDATES = 50
"""Sentences among which the one that a picture was generated from is looked for."""
SENTENCES, EACH = 12, 8
"""Sentences whose pictures' diversity is measured, and pictures of each."""
BATCH = 50

Generate = Callable[[Sequence[str]], Tensor]
"""From sentences to pictures (N, 3, H, W) in [0, 1]."""


def first_sentences(data: CaptionData) -> list[str]:
    """The first sentence about each picture."""
    return [next(iter(captions.values()))[0] for captions in data.captions]


def read_pictures(data: CaptionData) -> Float[Tensor, "n 3 h w"]:
    """All pictures of a data set, in [0, 1]."""
    return torch.cat([batch["image"] for batch in in_batches(data, BATCH)])


# What was said --------------------------------------------------------------------------------------------------------


def stated_accuracy(values: Int[Tensor, "n a"], stated: Int[Tensor, "n a"]) -> Float[Tensor, " n"]:
    """Of the attributes whose value a sentence states, the share of which the picture shows that value.

    Args:
        values: The number of the value of each attribute that each picture shows.
        stated: The number of the value that its sentence states; -1 where it states none.
    """
    is_stated = stated >= 0
    return ((values == stated) & is_stated).sum(1) / is_stated.sum(1).clamp(min=1)


def judge_pictures(images: Float[Tensor, "n 3 h w"], data: Any) -> dict[str, Tensor]:
    """``attribute_accuracy`` (N,) of pictures of a data set's first sentences, where it is known what these state."""
    if not isinstance(data, BirdData):
        return {}
    judge = load_judge().to(images.device)
    return {"attribute_accuracy": stated_accuracy(judge.predict(images).cpu(), data.stated)}


def retrieve_sentences(pictures: Float[Tensor, "n d"], text: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Whether each picture's own sentence is the nearest to it among its own and the ``CANDIDATES`` − 1 that come next.

    Of k that are equally near, the same sentence again say, each counts 1/k. This is the R-precision of AttnGAN
    (arXiv:1711.10485, section 4) with R = 1; its candidates are drawn at random.
    """
    count, offsets = len(text), torch.arange(min(CANDIDATES, len(text)))
    candidates = [text[(place + offsets) % count] for place in range(count)]  # the first is its own
    products = torch.stack([some @ picture for some, picture in zip(candidates, pictures, strict=True)])
    nearest = products == products.amax(1, keepdim=True)  # (N, CANDIDATES)
    return nearest[:, 0] / nearest.sum(1).clamp(min=1)


# Sharpness and diversity ----------------------------------------------------------------------------------------------


def mean_squared_gradient(images: Float[Tensor, "n 3 h w"]) -> float:
    """How sharp pictures are: the mean square of the differences of neighbouring pixels, down and to the right, added."""
    down, right = images.diff(dim=-2).square().mean(), images.diff(dim=-1).square().mean()
    return float(down + right)


def measure_sharpness(large: Tensor, small: Tensor, real: Tensor) -> tuple[float, float]:
    """How sharp stage II's pictures are, and stage I's enlarged, as shares of how sharp real ones of stage II's size are.

    Args:
        large, small: Pictures (N, 3, H, W) in [0, 1] of both stages.
        real: Real pictures as large as stage II's.
    """
    enlarged = enlarge(small, large.shape[-1] // small.shape[-1])
    reference = mean_squared_gradient(real)
    return mean_squared_gradient(large) / reference, mean_squared_gradient(enlarged) / reference


def measure_diversity(generate: Generate, data: BirdData) -> float:
    """How much pictures of one sentence differ, over how much real ones do that it describes: the mean over sentences.

    Args:
        generate: What is measured, as small pictures.
        data: Birds, whose first sentences are taken; real ones are drawn with all that a sentence states, the rest at random.
    """
    places = range(0, len(data), max(1, len(data) // SENTENCES))[:SENTENCES]
    sentences = first_sentences(data)
    generated = generate([sentences[place] for place in places for _ in range(EACH)]).unflatten(0, (-1, EACH))
    ratios = []
    for images, place in zip(generated, places, strict=True):
        birds = draw_alike(data.source.birds[data.indices[place]], data.stated[place] >= 0, place)
        pictures = BirdPictures(birds, images.shape[-1])
        real = torch.stack([pictures.read(number) for number in range(EACH)]).float() / 255
        ratios.append(float(diversity(images, real)))
    return sum(ratios) / len(ratios)


def draw_alike(bird: Bird, stated: Tensor, seed: int) -> list[Bird]:
    """Birds with those attributes of a bird that a sentence states (A,), and all others at random."""
    names = [name for name, is_stated in zip(ATTRIBUTES, stated.tolist(), strict=True) if is_stated]
    fixed = {name: getattr(bird, name) for name in names if name != "crest"}
    if "crest" in names:
        fixed["outline"] = bird.outline
    others = (draw_bird(np.random.default_rng([7, seed, number]), tested=False) for number in range(EACH))
    return [replace(other, **fixed) for other in others]


# A baseline -----------------------------------------------------------------------------------------------------------


def nearest_sentences(train: Sequence[str], test: Sequence[str]) -> list[int]:
    """For each test sentence the place of the training sentence that has most words and pairs of words in common with it.

    Rare ones count more: cosine of their frequencies, weighted by the inverse of those in all sentences (tf–idf).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=words_and_pairs)
    ours, theirs = vectorizer.fit_transform(train), vectorizer.transform(test)
    return np.asarray((theirs @ ours.T).argmax(1)).flatten().tolist()  # type: ignore[no-any-return]


def words_and_pairs(sentence: str) -> list[str]:
    """The words of a sentence, and each two neighbouring ones."""
    words = split_words(sentence)
    return [*words, *(f"{a} {b}" for a, b in pairwise(words))]
