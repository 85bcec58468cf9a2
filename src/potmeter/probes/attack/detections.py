"""The attack on a detector: the picture looks the same, and the things in it are gone, or taken for others.

All proposals together are driven towards one label (dense adversary generation, Xie et al. 2017, arXiv:1703.08603).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from potmeter.core.capabilities import class_index
from potmeter.errors import reject
from potmeter.media import Detections, Image

from .dense import METHODS, raise_loss
from .outcome import AdversarialExample, Answer, compare

BACKGROUND = 0
"""The label of nothing."""


def attack_detections(
    model: Any, x: Tensor, *, target: str | None, method: str, eps: float, steps: int, seed: int
) -> AdversarialExample:
    """Change a picture so that its things vanish, or are taken for things of another class.

    Args:
        model: A ``Detector`` and ``Attackable``.
        x: The picture (1, C, H, W), its values multiples of 1/255.
        target: The class that all shall be taken for; None = nothing.
        method: fgsm or pgd.
        eps: Largest change of a value, rounded down to multiples of 1/255.
        steps: Gradient steps of pgd.
        seed: Start of the randomness.

    Returns:
        The slide, the adversarial example, and how many of each class are found before and after.

    Raises:
        UserError: For another method, an unknown target, or a picture in which nothing is found that could vanish.
    """
    method in METHODS or reject("Of a detector the attacks are fgsm and pgd.", method)
    label = BACKGROUND if target is None else class_index(model.classes, target) + 1
    before = find_things(model, x)
    before.things or target is not None or reject("Nothing is found in the picture that could vanish.", "no things")
    wanted = torch.tensor([label], device=x.device)

    def loss(images: Tensor) -> Tensor:
        losses: Tensor = -model.input_loss(images, wanted)
        return losses

    adversarial = raise_loss(loss, x, method=method, eps=eps, steps=steps, seed=seed)
    first, second = (
        Answer(found.draw().tensor().to(x), describe(found), tuple(found.counts.get(each, 0) for each in model.classes))
        for found in (before, find_things(model, adversarial))
    )
    return compare(
        x, adversarial, first, second, model.classes, method=method, effect="towards " + (target or "nothing"),
        title="the image, and what is found in it",
    )  # fmt: skip


@torch.no_grad()
def find_things(model: Any, x: Tensor) -> Detections:
    """What is found in a picture (1, C, H, W), each thing once, as what it most likely is."""
    found = model.detect(x)[0].drop_overlapping()
    picture = Image.from_tensor(x[0])
    return Detections.from_tensors(picture, found.boxes, found.labels, found.scores, found.masks, tuple(model.classes))


def describe(found: Detections) -> str:
    """What is found, in a few words: ``2 bird, 1 tool``."""
    counts = [f"{count} {name}" for name, count in found.counts.items()]
    return ", ".join(counts[:3] + ["…"] * (len(counts) > 3)) or "nothing"
