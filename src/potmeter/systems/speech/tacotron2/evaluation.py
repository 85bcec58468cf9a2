"""How far speech is from its original, what is heard of it, and what simpler ways reach."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from potmeter.media import Audio
from potmeter.metrics.speech import PESQ_RATE, recognise, word_errors

from .compiled_paths import warp

DECIBELS = 20 / np.log(10)
"""A step of natural log-mel magnitude in decibels."""


def warped_mel_error(spoken: Float[Tensor, "s m"], original: Float[Tensor, "t m"]) -> float:
    """Mean distance, in decibels, of log-mel frames along the best alignment of two spectrograms in time.

    Dynamic time warping (Sakoe and Chiba 1978) with steps of one frame in either or both; the sum along the path is divided
    by the path's length.

    Args:
        spoken, original: Natural logarithms of mel magnitudes, not normalised.

    Example:
        >>> mel = torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> warped_mel_error(mel[[0, 0, 1, 2]], mel)
        0.0
    """
    costs = torch.cdist(spoken.double(), original.double()) * (DECIBELS / spoken.shape[1] ** 0.5)
    total, length = warp(costs.numpy())
    return float(total / length)


def measure_word_errors(texts: Sequence[str], sounds: Iterable[Audio]) -> Tensor:
    """What a recogniser mishears of sounds: values (N,) whose mean is the word error rate over all sentences.

    Args:
        texts: What is said in each.
        sounds: The sounds.
    """
    pairs = zip(texts, sounds, strict=True)
    errors = [word_errors(text, recognise(sound.resample(PESQ_RATE).samples)) for text, sound in pairs]
    words = sum(count for _, count in errors)
    return torch.tensor([wrong * len(errors) / words for wrong, _ in errors])


def find_nearest(text: str, known: Sequence[str]) -> int:
    """The number of the text that is most alike, symbol by symbol."""
    matcher = difflib.SequenceMatcher(None, b=text, autojunk=False)
    best, found = -1.0, 0
    for number, other in enumerate(known):
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, number
    return found
