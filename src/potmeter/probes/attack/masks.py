"""The attack on a segmenter: the picture looks the same, and the masks are gone or others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from potmeter.core.capabilities import class_index
from potmeter.errors import reject
from potmeter.media import Image, Labels

from .dense import METHODS, raise_loss
from .outcome import AdversarialExample, Answer, compare


def attack_masks(
    model: Any, x: Tensor, *, target: str | None, method: str, eps: float, steps: int, seed: int
) -> AdversarialExample:
    """Change a picture so that its pixels are taken for other classes.

    Args:
        model: A ``Segmenter`` and ``Attackable``.
        x: The picture (1, C, H, W), its values multiples of 1/255.
        target: The class that every pixel shall be taken for; None = any but its own.
        method: fgsm or pgd.
        eps: Largest change of a value, rounded down to multiples of 1/255.
        steps: Gradient steps of pgd.
        seed: Start of the randomness.

    Returns:
        The slide, the adversarial example, and the shares of the classes before and after.

    Raises:
        UserError: For another method, an unknown target, or one that every pixel is taken for already.
    """
    method in METHODS or reject("Of a segmenter the attacks are fgsm and pgd.", method)
    before = find_labels(model, x)
    wanted = before if target is None else torch.full_like(before, class_index(model.classes, target))
    if target is not None and bool((before == wanted).all()):
        reject(f"Every pixel is taken for {target} already; name another target.", target)
    sign = 1.0 if target is None else -1.0

    def loss(images: Tensor) -> Tensor:
        losses: Tensor = sign * model.input_loss(images, wanted)
        return losses

    adversarial = raise_loss(loss, x, method=method, eps=eps, steps=steps, seed=seed)
    after = find_labels(model, adversarial)
    changed = float((after != before).float().mean())
    first, second = (
        Answer(
            overlay(image, labels, model.classes),
            largest_shares(labels, model.classes),
            (*describe_shares(labels, model.classes).values(), share),
        )
        for image, labels, share in ((x, before, 0.0), (adversarial, after, changed))
    )
    return compare(
        x, adversarial, first, second, (*model.classes, "pixels of another class"), method=method,
        effect=f"{100 * changed:.0f} % of the pixels change", title="the image, and what is found in it",
    )  # fmt: skip


@torch.no_grad()
def find_labels(model: Any, x: Tensor) -> Tensor:
    """The likeliest class of every pixel, (B, H, W)."""
    labels: Tensor = model.masks(x).argmax(1)
    return labels


def overlay(x: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Tensor:
    """A picture (1, C, H, W) with its classes' colours over it, (3, H, W)."""
    shown = Labels(labels[0].byte().cpu().numpy(), tuple(classes)).overlay(Image.from_tensor(x[0]))
    return shown.tensor().to(x)


def describe_shares(labels: Tensor, classes: tuple[str, ...]) -> dict[str, float]:
    """How much of the picture each class has."""
    return Labels(labels[0].byte().cpu().numpy(), tuple(classes)).shares


def largest_shares(labels: Tensor, classes: tuple[str, ...]) -> str:
    """The two largest classes after the ground: ``hair 24 %, skin 31 %``; or that there is none."""
    shares = list(describe_shares(labels, classes).items())[1:]
    largest = sorted((share, name) for name, share in shares if share > 0)[:-3:-1]
    return ", ".join(f"{name} {100 * share:.0f} %" for share, name in largest) or f"nothing but {classes[0]}"
