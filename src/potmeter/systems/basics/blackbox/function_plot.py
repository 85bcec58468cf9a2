"""The network's function drawn in a few milliseconds, so that it follows the hand that turns a knob."""

from __future__ import annotations

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from potmeter.core.devices import device_of
from potmeter.data.splits import Splits
from potmeter.media import Image

from .box_picture import COLOURS, INK, data_frame
from .diagram import input_grid
from .model import Network

SIZE, GRID, FINE = 540, 68, 270
"""Pixels along each side; points along each side at which the network is evaluated; and those of the classes' borders."""


class FunctionPlot:
    """A plot of the points, drawn once, under which a network's function is drawn anew each time."""

    def __init__(self, network: Network, splits: Splits) -> None:
        config, self.frame = network.config, data_frame(network, splits)
        self.inputs = input_grid(self.frame, GRID if config.labels else SIZE, config.widths[0], device_of(network))
        figure = Figure(figsize=(SIZE / 100, SIZE / 100), dpi=100, facecolor="none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for part, size, alpha in ((splits.test.head(300), 12, 0.4), (splits.train.head(600), 38, 1.0)):
            tensors = {key: value.numpy() for key, value in part.tensors.items()}
            classified = "label" in tensors
            for c in range(len(config.labels) or 1):
                of = tensors["label"] == c if classified else np.full(len(tensors["x"]), True)
                points = tensors["x"][of] if classified else np.concatenate([tensors["x"], tensors["y"]], 1)
                x, y = points.T
                axes.scatter(x, y, s=size, alpha=alpha, lw=0.7 * alpha, color=COLOURS[c], ec="white")
        axes.set(xlim=self.frame[0], ylim=self.frame[1])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        self.points = PIL.Image.open(buffer).convert("RGBA")

    @torch.no_grad()
    def draw(self, network: Network) -> Image:
        """The function of a network with these points."""
        outputs = network.predict(self.inputs).cpu().numpy()
        function = draw_regions(outputs) if network.config.labels else self.draw_curve(outputs[:, 0])
        return Image(np.array(PIL.Image.alpha_composite(function.convert("RGBA"), self.points).convert("RGB")))

    def draw_curve(self, heights: np.ndarray) -> PIL.Image.Image:
        """A function of one number as a line."""
        low, high = self.frame[1]
        sheet = PIL.Image.new("RGB", (2 * SIZE, 2 * SIZE), "white")  # twice as large, for smooth edges
        ys = 2 * SIZE * (1 - np.clip((heights - low) / (high - low), -9, 9))
        PIL.ImageDraw.Draw(sheet).line(
            list(zip(range(0, 2 * SIZE, 2), ys.tolist(), strict=True)), COLOURS[1], 9, "curve"
        )
        return sheet.resize((SIZE, SIZE), PIL.Image.Resampling.BOX)


def draw_regions(probabilities: np.ndarray) -> PIL.Image.Image:
    """Probabilities (GRID², classes) over the plane in the classes' colours, with the borders between them."""
    palette = np.array([to_rgb(colour) for colour in COLOURS[: probabilities.shape[1]]])
    colours = (255 * (0.5 + 0.5 * probabilities @ palette)).clip(0, 255).astype(np.uint8).reshape(GRID, GRID, 3)
    sheet = PIL.Image.fromarray(colours[::-1]).resize((SIZE, SIZE), PIL.Image.Resampling.BICUBIC)
    layers = probabilities.reshape(GRID, GRID, -1)[::-1].astype(np.float32)
    fine = [PIL.Image.fromarray(np.ascontiguousarray(layers[..., c])).resize((FINE, FINE), PIL.Image.Resampling.BICUBIC)
            for c in range(layers.shape[2])]  # fmt: skip
    best = np.stack([np.asarray(layer) for layer in fine]).argmax(0)
    border = np.zeros((FINE, FINE), bool)
    border[1:] |= best[1:] != best[:-1]
    border[:, 1:] |= best[:, 1:] != best[:, :-1]
    mask = PIL.Image.fromarray((255 * border).astype(np.uint8)).resize((SIZE, SIZE), PIL.Image.Resampling.BICUBIC)
    sheet.paste(INK, (0, 0), mask.filter(PIL.ImageFilter.GaussianBlur(0.8)))
    return sheet
