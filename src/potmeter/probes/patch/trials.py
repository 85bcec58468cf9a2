"""Photos to train on, other photos to test with, and the share of trials in which a patch succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from potmeter.core.devices import device_of
from potmeter.core.progress import progress
from potmeter.core.random import RandomStream
from potmeter.data.samples import sample
from potmeter.data.sets.gcompris import read_animal_photos
from potmeter.errors import reject
from potmeter.media import Image

from .expectation import paste_patch, random_placements

TEST_PHOTOS = (
    *(f"imagenet-{number}" for number in range(20)),
    *("astronaut", "cat", "china", "coffee", "flower", "motorcycle", "rocket"),
)
"""By whole sources, so that nothing that is trained on is tested with: all of GCompris's photos are for training; the 20
of foolbox and all of scikit-image's and scikit-learn's that are colour photos of things are for testing."""
PLACEMENTS = 20
"""Trials with each photo."""


def load_training_photos() -> list[Image]:
    """GCompris's 57 animal photos."""
    return [Image.decode(content, name) for name, content in sorted(read_animal_photos().items())]


def load_test_photos() -> list[Image]:
    """The photos of ``TEST_PHOTOS``."""
    return [sample(name) for name in TEST_PHOTOS]


def centre_squares(images: Sequence[Image], shape: tuple[int, int, int], factor: float = 1.0) -> Tensor:
    """Their centre squares as uint8 (N, C, factor · H, factor · W). Raises UserError where there are no pictures."""
    images or reject("At least one photo is needed.", "none")
    channels, height, width = shape
    size = round(factor * max(height, width))
    top, left = (size - round(factor * height)) // 2, (size - round(factor * width)) // 2
    whole = torch.stack([(image.tensor(size, channels) * 255).round().byte() for image in images])
    return whole[:, :, top : size - top, left : size - left]


@torch.no_grad()
def run_trials(model: Any, photos: Tensor, patch: Tensor | None, target: int, share: float, *, seed: int = 0) -> Tensor:
    """Whether each trial is taken for the target.

    Args:
        model: A Classifier.
        photos: uint8 (N, C, H, W), each in ``PLACEMENTS`` trials of random place, rotation and light.
        patch: (3, S, S) in [0, 1]; None for the photos as they are.
        target: Number of the class.
        share: Of the photo's area.
        seed: Start of the random placements: the same for all patches that are compared.

    Returns:
        Booleans (N · PLACEMENTS,), of photos as they are (N,).
    """
    rng, taken = RandomStream(seed), []
    device = device_of(model, photos.device)
    photos, patch = photos.to(device), None if patch is None else patch.to(device)
    for _ in progress(range(PLACEMENTS if patch is not None else 1), "testing a patch"):
        where = random_placements(len(photos), share, rng)
        patched = photos.float() / 255
        patched = paste_patch(patched, patch, where) if patch is not None else patched
        patched = (patched * 255).round() / 255  # what an 8-bit file holds
        taken.append(torch.cat([model.logits(part).argmax(1) == target for part in patched.split(9)]))
    return torch.cat(taken)
