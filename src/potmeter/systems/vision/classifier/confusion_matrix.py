"""Pictures that show how a classifier errs."""

from __future__ import annotations

import io

import PIL.Image
import torch
from matplotlib.figure import Figure
from torch import Tensor

from potmeter.media import Image, escape_formulas


def draw_confusion_matrix(predicted: Tensor, labels: Tensor, classes: tuple[str, ...]) -> Image:
    """True categories down, predicted ones across; each row adds up to one.

    Args:
        predicted, labels: Class numbers (N,).
        classes: Their names.
    """
    count = len(classes)
    counts = torch.bincount((labels * count + predicted).cpu(), minlength=count**2).reshape(count, count)
    shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
    side = min(12.0, 2.0 + 0.55 * count)
    figure = Figure(figsize=(side, side), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    names = [escape_formulas(name) for name in classes]
    axes.set_xticks(range(count), names, rotation=45, ha="right")
    axes.set_yticks(range(count), names)
    axes.set(xlabel="taken for", ylabel="is")
    for row, column in counts.nonzero().tolist() if count <= 20 else ():
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(int(counts[row, column])), ha="center", va="center", fontsize=9, color=colour)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return Image.from_pil(PIL.Image.open(buffer))
