"""What an attack gives: the slide, the adversarial example, and a table of what the network says before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from potmeter.media import Image, Result, Table

from .slide import draw_slide, magnify


@dataclass(frozen=True)
class AdversarialExample(Result):
    """An image that the network takes for something else."""

    slide: Image
    """Image + ε × perturbation = image, with what the network takes each for."""
    adversarial: Image
    """The adversarial example, as large as the network takes it."""
    table: Table
    """The answers, and the size of the perturbation."""


@dataclass(frozen=True)
class Answer:
    """What a network says of an image.

    Args:
        panel: The image (C, H, W) in [0, 1] as the slide shows it, perhaps with what was found drawn over it.
        caption: Below it on the slide.
        cells: In the table, one for each of the columns.
    """

    panel: Tensor
    caption: str
    cells: tuple[str | float, ...]


def compare(
    x: Tensor, adversarial: Tensor, before: Answer, after: Answer, columns: Sequence[str], *, method: str,
    effect: str, title: str = "the image",
) -> AdversarialExample:  # fmt: skip
    """The slide and the table of an attack.

    Args:
        x: The image (1, C, H, W), its values multiples of 1/255.
        adversarial: What became of it, of the same kind.
        before: What the network says of ``x``.
        after: What it says of ``adversarial``.
        columns: Of the cells of both.
        method: The attack's name.
        effect: What stands below the perturbation.
        title: What the first panel shows.
    """
    change = (adversarial - x).abs() * 255
    largest, mean = round(change.max().item()), change.mean().item()
    table = Table(
        ("image", *columns, "largest perturbation / 255", "mean perturbation / 255"),
        [("original", *before.cells, 0, 0.0), ("adversarial", *after.cells, largest, mean)],
    )
    panels = [
        (before.panel, title, before.caption),
        (magnify((adversarial - x)[0]), f"the perturbation, {method.replace('_', ' ')}", effect),
        (after.panel, "their sum, in 8 bits", after.caption),
    ]
    return AdversarialExample(draw_slide(panels, f"{largest}/255"), Image.from_tensor(adversarial[0]), table)
