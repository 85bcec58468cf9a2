"""How good generated pictures are: whether they show what was said, how varied and how sharp they are, beside real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.data.captions import CaptionData
from potmeter.data.sets.bird_anatomy import ATTRIBUTES, draw_bird
from potmeter.data.sets.birds import BirdData, BirdPictures
from potmeter.metrics.coverage import diversity

from .judge import load_judge
from .model import enlarge
from .sentences import split_words

CANDIDATES = 50
"""Sentences among which the one that a picture was generated of is looked for."""
SENTENCES, EACH = 12, 8
"""Sentences whose pictures' diversity is measured, and pictures of each."""
BATCH = 50

Embed = Callable[[Tensor], Tensor]
"""From small pictures (N, 3, H, W) in [0, 1] to embeddings (N, D), to be multiplied with those of sentences."""


def first_sentences(data: CaptionData) -> list[str]:
    """The first sentence about each picture."""
    return [next(iter(captions.values()))[0] for captions in data.captions]


def shares_shown(values: Tensor, stated: Tensor) -> Float[Tensor, " n"]:
    """The share, of what is stated of each picture, that is so.

    Args:
        values: The number of the value of each attribute that each picture shows (N, A).
        stated: What is said of it; -1 where nothing is (N, A).
    """
    said = stated >= 0
    return ((values == stated) & said).sum(1) / said.sum(1).clamp(min=1)


def judge_pictures(images: Float[Tensor, "n 3 h w"], data: Any) -> dict[str, Tensor]:
    """``attribute_accuracy`` (N,) of pictures of a data set's first sentences, where it is known what these state."""
    if not isinstance(data, BirdData):
        return {}
    judge = load_judge().to(images.device)
    return {"attribute_accuracy": shares_shown(judge.values(images).cpu(), data.stated)}


def find_sentences(pictures: Float[Tensor, "n d"], text: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """Whether each picture's own sentence is nearer to it than those of the next ``CANDIDATES - 1`` (AttnGAN's R-precision)."""
    count, offsets = len(text), torch.arange(min(CANDIDATES, len(text)))
    found = []
    for i, picture in enumerate(pictures):
        found.append(float((text[(i + offsets) % count] @ picture).argmax() == 0))
    return torch.tensor(found)


def gradient_size(images: Float[Tensor, "n 3 h w"]) -> float:
    """How sharp pictures are: the mean square of the difference of neighbouring pixels."""
    down, right = images.diff(dim=-2).square().mean(), images.diff(dim=-1).square().mean()
    return float(down + right)


def measure_sharpness(large: Tensor, small: Tensor, real: Tensor) -> tuple[float, float]:
    """How sharp stage II's pictures are, and stage I's enlarged, as shares of how sharp real ones of stage II's size are."""
    wanted = gradient_size(real)
    return gradient_size(large) / wanted, gradient_size(enlarge(small, large.shape[-1] // small.shape[-1])) / wanted


def measure_diversity(generate: Callable[[Sequence[str]], Tensor], data: BirdData) -> float:
    """How much pictures of one sentence differ, over how much real ones do that it describes: the mean over sentences.

    Args:
        generate: From sentences to small pictures (N, 3, H, W) in [0, 1].
        data: Birds; real ones are drawn anew with all that a sentence states, and the rest at random.
    """
    places = range(0, len(data), max(1, len(data) // SENTENCES))[:SENTENCES]
    sentences, shares = first_sentences(data), []
    made = generate([sentences[i] for i in places for _ in range(EACH)]).unflatten(0, (-1, EACH))
    names = list(ATTRIBUTES)
    for images, i in zip(made, places, strict=True):
        said = [names[k] for k in (data.stated[i] >= 0).nonzero().flatten().tolist()]
        shown = data.pictures.birds[data.indices[i]]
        others = [draw_bird(np.random.default_rng([7, i, k]), tested=False) for k in range(EACH)]
        kept = {name: getattr(shown, name) for name in said if name != "crest"}
        kept |= {"outline": shown.outline} if "crest" in said else {}
        pictures = BirdPictures([replace(other, **kept) for other in others], images.shape[-1])
        real = torch.stack([pictures.picture(k) for k in range(EACH)]).float() / 255
        shares.append(float(diversity(images, real)))
    return sum(shares) / len(shares)


def nearest_sentences(train: Sequence[str], test: Sequence[str]) -> list[int]:
    """For each test sentence the place of the training sentence that has most pairs of neighbouring words in common with it.

    Rare pairs count more (cosine of their frequencies, weighted by the inverse of those in all sentences).
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer=lambda text: [*split_words(text), *pairs_of_words(text)])
    known, asked = vectorizer.fit_transform(train), vectorizer.transform(test)
    return np.asarray((asked @ known.T).argmax(1)).flatten().tolist()  # type: ignore[no-any-return]


def pairs_of_words(sentence: str) -> list[str]:
    """Each two neighbouring words of a sentence."""
    words = split_words(sentence)
    return [f"{a} {b}" for a, b in pairwise(words)]
