"""Expectation over transformation (EOT): one patch for all photos, places, sizes, rotations and lights at once.

Athalye et al., "Synthesizing Robust Adversarial Examples" (arXiv:1707.07397), section 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.core.random import RandomStream
from potmeter.core.training.log import Diverged

from .expectation import paste_patch, random_placements
from .trainable_patch import TrainablePatch, total_variation

SHARES = (0.05, 0.35)
"""Smallest and largest share of the photo's area in training; in between, every factor is equally likely."""
RESIZE_RATIO = 8 / 7
"""Photos are kept so many times as large as the network takes them, and a random crop is taken at each step: 256 to 224."""
BATCH = 8
"""Photos in a training step."""
LR = 0.1
"""Learning rate of Adam at the first step."""
TV_WEIGHT = 1.0
"""Weight of the total variation beside the loss of the target, which is in nats."""


def train_patch(
    model: Any, patch: TrainablePatch, photos: Tensor, target: int, *, steps: int, every: int, rng: RandomStream
) -> Iterator[tuple[int, Tensor]]:
    """Train a patch, and yield it now and then.

    It minimises the expectation of −log p(target | photo with patch) (Brown et al. 2017, equation 2) by Adam, one draw of
    the transformations for each photo of a batch and step, the learning rate falling to zero as a cosine.

    Args:
        model: A Classifier whose loss can be differentiated.
        patch: The patch; it is changed.
        photos: uint8 (N, C, RESIZE_RATIO · H, RESIZE_RATIO · W), of which crops (C, H, W) are trained on.
        target: Number of the class.
        steps: In all.
        every: Steps between two patches.
        rng: Where all random numbers come from.

    Yields:
        The number of steps done and the patch (3, size, size); the last after ``steps``.

    Raises:
        Diverged: When the loss is no number any more.
    """
    shape, grids = model.input_shape, list(patch.grids)
    device = grids[0].device
    adam = torch.optim.Adam(grids, lr=LR, betas=(0.9, 0.95))
    goal = torch.full((BATCH,), target, device=device)
    for step in progress(range(steps), "training a patch"):
        adam.param_groups[0]["lr"] = LR * (1 + math.cos(math.pi * step / steps)) / 2
        with torch.enable_grad():
            pixels = patch()
            share = SHARES[0] * (SHARES[1] / SHARES[0]) ** float(rng.uniform(1))
            patched = paste_patch(
                random_crops(photos, shape, rng).to(device), pixels, random_placements(BATCH, share, rng)
            )
            patched = patched.contiguous(memory_format=torch.channels_last)
            loss = model.input_loss(patched, goal).mean() + TV_WEIGHT * total_variation(pixels)
            gradients = torch.autograd.grad(loss, grids)  # of the patch only: the network's own are never computed
        for grid, gradient in zip(grids, gradients, strict=True):
            grid.grad = gradient
        adam.step()
        if (step + 1) % every == 0 or step + 1 == steps:
            if not bool(loss.isfinite()):
                raise Diverged("The loss of the target is no number any more.", received=float(loss.detach()))
            with torch.no_grad():
                yield step + 1, patch()


def random_crops(photos: Tensor, shape: tuple[int, int, int], rng: RandomStream) -> Tensor:
    """A minibatch (BATCH, C, H, W) in [0, 1] of random crops of random photos, half of them mirrored."""
    _, height, width = shape
    chosen = rng.integers(len(photos), BATCH).tolist()
    tops = rng.integers(photos.shape[2] - height + 1, BATCH).tolist()
    lefts = rng.integers(photos.shape[3] - width + 1, BATCH).tolist()
    parts = torch.stack(
        [photos[i, :, y : y + height, x : x + width] for i, y, x in zip(chosen, tops, lefts, strict=True)]
    )
    mirrored = rng.uniform(BATCH, 1, 1, 1) < 0.5
    return torch.where(mirrored, parts.flip(-1), parts).float() / 255
