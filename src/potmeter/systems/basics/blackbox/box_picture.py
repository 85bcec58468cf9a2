"""The slide's picture: the black box with its knobs, and beside it the function that they make, with the points."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from potmeter.core.devices import device_of
from potmeter.data.splits import Splits
from potmeter.media import Image

from .diagram import Frame, draw_dials, draw_network, input_grid
from .model import Network

COLOURS = ("#2f6fdb", "#f2841f", "#2a9d5c", "#b0439e", "#c9a227", "#16a3b5", "#8a5a3c", "#6b7280")
"""Colours of the classes."""
INK, CASE = "#20242c", "#15181e"
"""Colours of the writing, and of the black box."""
GRID = 140
"""Points along each side of the map."""


def draw_box(network: Network, splits: Splits, title: str, marked: int | None = None) -> Image:
    """The picture of a box, 1280 × 720.

    Args:
        network: Its network.
        splits: Points: training points are drawn full, test points faint.
        title: The line on top.
        marked: Number of a knob to mark.
    """
    figure = Figure(figsize=(12.8, 7.2), dpi=100, facecolor="white")
    figure.text(0.016, 0.945, title, size=19, color=INK, weight="bold", va="center")
    case = figure.add_axes((0.015, 0.03, 0.4985, 0.864))
    case.set(xlim=(0, 638), ylim=(0, 622), xticks=[], yticks=[])
    case.axis("off")
    case.add_patch(
        FancyBboxPatch((12, 12), 614, 598, boxstyle="round,pad=0,rounding_size=26", fc=CASE, ec="#3a404c", lw=3)
    )
    axes = figure.add_axes((0.585, 0.105, 0.40, 0.765))
    config, frame = network.config, data_frame(network, splits)
    with torch.no_grad():
        knobs = torch.cat([p.flatten() for p in network.parameters()]).cpu().numpy()
        draw_network(case, network, frame, marked)
        draw_dials(case, knobs, marked)
        (draw_plane if config.labels else draw_curve)(axes, network, splits, frame)
    axes.set_xlabel(config.axes[0], size=15, color=INK)
    axes.set_ylabel(config.axes[1], size=15, color=INK)
    axes.tick_params(labelsize=12, colors=INK)
    place: dict[str, Any] = {
        "loc": "lower right",
        "bbox_to_anchor": (1.0, 1.0),
        "ncols": 4,
        "columnspacing": 1.2,
        "handletextpad": 0.4,
    }
    axes.legend(**place, fontsize=13, frameon=False, markerscale=1.4, labelcolor=INK)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image(np.array(canvas.buffer_rgba())[..., :3])


def data_frame(network: Network, splits: Splits) -> Frame:
    """The range of each of the two columns, with a margin."""
    columns = [
        torch.cat([part.tensors["x"], *([] if network.config.labels else [part.tensors["y"]])], 1)
        for part in (splits.train, splits.test)
    ]
    low, high = torch.cat(columns).amin(0), torch.cat(columns).amax(0)
    margin = 0.08 * (high - low)
    return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))


def draw_plane(axes: Any, network: Network, splits: Splits, frame: Frame) -> None:
    """The plane in the classes' colours, full where the box is sure, with its borders."""
    probabilities = (
        network.predict(input_grid(frame, GRID, 2, device_of(network))).reshape(GRID, GRID, -1).cpu().numpy()
    )
    palette = np.array([to_rgb(colour) for colour in COLOURS])[: probabilities.shape[2]]
    extent = (*frame[0], *frame[1])
    axes.imshow(
        1 - 0.5 * (1 - probabilities @ palette), extent=extent, origin="lower", aspect="auto", interpolation="bilinear"
    )
    sides = [np.linspace(*side, GRID) for side in frame]
    for c in range(1 if probabilities.shape[2] == 2 else 0, probabilities.shape[2]):
        lead = probabilities[..., c] - np.delete(probabilities, c, 2).max(2)
        if lead.min() < 0 < lead.max():
            axes.contour(*sides, lead, levels=[0.0], colors=INK, linewidths=2.2)
    for part, size, alpha in ((splits.test.head(300), 12, 0.4), (splits.train.head(600), 38, 1.0)):
        x, label = part.tensors["x"].numpy(), part.tensors["label"].numpy()
        for c, name in enumerate(network.config.labels):
            mark = {"s": size, "alpha": alpha, "lw": 0.7 * alpha, "label": name if size > 20 else None}
            axes.scatter(*x[label == c].T, color=COLOURS[c], ec="white", **mark)
    axes.set(xlim=frame[0], ylim=frame[1])


def draw_curve(axes: Any, network: Network, splits: Splits, frame: Frame) -> None:
    """The function as a line through the points."""
    test, train = splits.test.head(300).tensors, splits.train.head(600).tensors
    axes.scatter(test["x"], test["y"], s=12, color="#9aa3b2", lw=0, label="unseen points")
    axes.scatter(
        train["x"], train["y"], s=30, color=COLOURS[0], ec="white", lw=0.5, alpha=0.85, label="training points"
    )
    x = input_grid(frame, 400, 1, device_of(network))
    axes.plot(
        x.cpu().numpy(),
        network.predict(x).cpu().numpy(),
        color=COLOURS[1],
        lw=4,
        label="the box",
        solid_capstyle="round",
    )
    axes.set(xlim=frame[0], ylim=frame[1])
    axes.grid(alpha=0.25)
