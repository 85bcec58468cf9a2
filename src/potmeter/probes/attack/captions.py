"""The attack on a captioner: the picture looks the same, and the sentence about it is a chosen one, or any other.

The whole caption's likelihood is raised or lowered at once, with its own words before each word (Show-and-Fool, Chen et al.
2018, arXiv:1712.02051, where the attack is Carlini and Wagner's); beam search may still prefer a sentence in between.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from potmeter.errors import reject

from .dense import METHODS, raise_loss
from .outcome import AdversarialExample, Answer, compare
from .slide import magnify


def attack_captions(
    model: Any, x: Tensor, *, target: str | None, method: str, eps: float, steps: int, seed: int
) -> AdversarialExample:
    """Change a picture so that its caption is another.

    Args:
        model: A ``Captioner`` and ``Attackable``.
        x: The picture (1, C, H, W), its values multiples of 1/255.
        target: The caption that it shall have, in the captioner's usual language; None = any but its own.
        method: fgsm or pgd.
        eps: Largest change of a value, rounded down to multiples of 1/255.
        steps: Gradient steps of pgd.
        seed: Start of the randomness.

    Returns:
        The slide, the adversarial example, and both captions with the probability of the target's words (of the picture's
        own caption where there is no target), the geometric mean.

    Raises:
        UserError: For another method, or a target that is the caption already or that the captioner cannot write.
    """
    method in METHODS or reject("Of a captioner the attacks are fgsm and pgd.", method)
    if target is not None:
        model.check_caption(target)
    caption = find_caption(model, x)
    wanted, sign = (caption, 1.0) if target is None else (target, -1.0)
    wanted.casefold() != caption.casefold() or target is None or reject(
        "That is the picture's caption already; name another target.", target
    )

    def loss(images: Tensor) -> Tensor:
        losses: Tensor = sign * model.input_loss(images, [wanted])
        return losses

    adversarial = raise_loss(loss, x, method=method, eps=eps, steps=steps, seed=seed)

    def answer(image: Tensor) -> Answer:
        text = find_caption(model, image)
        with torch.no_grad():
            probability = math.exp(-float(model.input_loss(image, [wanted])))
        return Answer(image[0], text, (text, probability))

    columns = ("caption", f"probability of a word of “{wanted}”")
    effect = find_caption(model, magnify(adversarial - x))
    return compare(x, adversarial, answer(x), answer(adversarial), columns, method=method, effect=effect)


@torch.no_grad()
def find_caption(model: Any, x: Tensor) -> str:
    """The caption of a picture (1, C, H, W), in the usual language."""
    return str(model.caption(x)[0])
