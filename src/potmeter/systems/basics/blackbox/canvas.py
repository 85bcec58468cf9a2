"""The function that the knobs make, drawn in a few milliseconds, so that it follows the hand that turns them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from potmeter.data.splits import Splits
from potmeter.media import Image

from .diagram import grid
from .pictures import COLOURS, INK, frame_of

if TYPE_CHECKING:
    from .system import Blackbox

SIZE, GRID, FINE = 540, 68, 270
"""Pixels along each side; places at which the function is asked; and of the borders between classes."""


class Canvas:
    """The points, drawn once; the function is laid under them."""

    def __init__(self, box: Blackbox, splits: Splits) -> None:
        self.frame = frame_of(box, splits)
        self.places = grid(self.frame, GRID if box.config.labels else SIZE, box)
        figure = Figure(figsize=(SIZE / 100, SIZE / 100), dpi=100, facecolor="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for part, size, alpha in ((splits.test.head(300), 12, 0.4), (splits.train.head(600), 38, 1.0)):
            tensors = {key: value.numpy() for key, value in part.tensors.items()}
            flat = "label" in tensors
            for c in range(len(box.config.labels) or 1):
                of = tensors["label"] == c if flat else np.full(len(tensors["x"]), True)
                points = tensors["x"][of] if flat else np.concatenate([tensors["x"], tensors["y"]], 1)
                x, y = points.T
                axes.scatter(x, y, s=size, alpha=alpha, lw=0.7 * alpha, color=COLOURS[c], ec="white")
        axes.set(xlim=self.frame[0], ylim=self.frame[1])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        self.points = PIL.Image.open(buffer).convert("RGBA")

    @torch.no_grad()
    def picture(self, box: Blackbox) -> Image:
        """The function of a box with these points."""
        answers = box.predict(self.places).cpu().numpy()
        under = plane(answers) if box.config.labels else self.curve(answers[:, 0])
        return Image(np.array(PIL.Image.alpha_composite(under.convert("RGBA"), self.points).convert("RGB")))

    def curve(self, heights: np.ndarray) -> PIL.Image.Image:
        """A function of one number as a line."""
        low, high = self.frame[1]
        sheet = PIL.Image.new("RGB", (2 * SIZE, 2 * SIZE), "white")  # twice as large, for smooth edges
        ys = 2 * SIZE * (1 - np.clip((heights - low) / (high - low), -9, 9))
        PIL.ImageDraw.Draw(sheet).line(
            list(zip(range(0, 2 * SIZE, 2), ys.tolist(), strict=True)), COLOURS[1], 9, "curve"
        )
        return sheet.resize((SIZE, SIZE), PIL.Image.Resampling.BOX)


def plane(chances: np.ndarray) -> PIL.Image.Image:
    """Probabilities (GRID², classes) over the plane in the classes' colours, with the borders between them."""
    palette = np.array([to_rgb(colour) for colour in COLOURS[: chances.shape[1]]])
    colours = (255 * (0.5 + 0.5 * chances @ palette)).clip(0, 255).astype(np.uint8).reshape(GRID, GRID, 3)
    sheet = PIL.Image.fromarray(colours[::-1]).resize((SIZE, SIZE), PIL.Image.Resampling.BICUBIC)
    layers = chances.reshape(GRID, GRID, -1)[::-1].astype(np.float32)
    fine = [PIL.Image.fromarray(np.ascontiguousarray(layers[..., c])).resize((FINE, FINE), PIL.Image.Resampling.BICUBIC)
            for c in range(layers.shape[2])]  # fmt: skip
    best = np.stack([np.asarray(layer) for layer in fine]).argmax(0)
    border = np.zeros((FINE, FINE), bool)
    border[1:] |= best[1:] != best[:-1]
    border[:, 1:] |= best[:, 1:] != best[:, :-1]
    mask = PIL.Image.fromarray((255 * border).astype(np.uint8)).resize((SIZE, SIZE), PIL.Image.Resampling.BICUBIC)
    sheet.paste(INK, (0, 0), mask.filter(PIL.ImageFilter.GaussianBlur(0.8)))
    return sheet
