"""The slide's picture: the black box with its knobs, and beside it the function that they make, with the points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from potmeter.data.splits import Splits
from potmeter.media import Image

from .diagram import draw_dials, draw_network, grid

if TYPE_CHECKING:
    from .system import Blackbox

COLOURS = ("#2f6fdb", "#f2841f", "#2a9d5c", "#b0439e", "#c9a227", "#16a3b5", "#8a5a3c", "#6b7280")
"""Of the classes."""
INK, CASE = "#20242c", "#15181e"
"""Of writing, and of the black box."""
GRID = 140
"""Points along each side of the map."""


def draw(box: Blackbox, splits: Splits, title: str, turned: int | None = None) -> Image:
    """The picture of a box, 1280 × 720.

    Args:
        box: The box.
        splits: Points: those trained on are drawn full, those of the test faint.
        title: The line on top.
        turned: Number of a knob to mark.
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
    frame = frame_of(box, splits)
    with torch.no_grad():
        knobs = torch.cat([p.flatten() for p in box.network.parameters()]).cpu().numpy()
        draw_network(case, box, frame, turned)
        draw_dials(case, knobs, turned)
        (draw_plane if box.config.labels else draw_curve)(axes, box, splits, frame)
    axes.set_xlabel(box.config.axes[0], size=15, color=INK)
    axes.set_ylabel(box.config.axes[1], size=15, color=INK)
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


def frame_of(box: Blackbox, splits: Splits) -> list[tuple[float, float]]:
    """The range of each of the two columns, with a margin."""
    columns = [
        torch.cat([part.tensors["x"], *([] if box.config.labels else [part.tensors["y"]])], 1)
        for part in (splits.train, splits.test)
    ]
    low, high = torch.cat(columns).amin(0), torch.cat(columns).amax(0)
    margin = 0.08 * (high - low)
    return list(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))


def draw_plane(axes: Any, box: Blackbox, splits: Splits, frame: list[tuple[float, float]]) -> None:
    """The plane in the classes' colours, full where the box is sure, with its borders."""
    chances = box.predict(grid(frame, GRID, box)).reshape(GRID, GRID, -1).cpu().numpy()
    palette = np.array([to_rgb(colour) for colour in COLOURS])[: chances.shape[2]]
    extent = (*frame[0], *frame[1])
    axes.imshow(
        1 - 0.5 * (1 - chances @ palette), extent=extent, origin="lower", aspect="auto", interpolation="bilinear"
    )
    sides = [np.linspace(*side, GRID) for side in frame]
    for c in range(1 if chances.shape[2] == 2 else 0, chances.shape[2]):
        lead = chances[..., c] - np.delete(chances, c, 2).max(2)
        if lead.min() < 0 < lead.max():
            axes.contour(*sides, lead, levels=[0.0], colors=INK, linewidths=2.2)
    for part, size, alpha in ((splits.test.head(300), 12, 0.4), (splits.train.head(600), 38, 1.0)):
        x, label = part.tensors["x"].numpy(), part.tensors["label"].numpy()
        for c, name in enumerate(box.config.labels):
            mark = {"s": size, "alpha": alpha, "lw": 0.7 * alpha, "label": name if size > 20 else None}
            axes.scatter(*x[label == c].T, color=COLOURS[c], ec="white", **mark)
    axes.set(xlim=frame[0], ylim=frame[1])


def draw_curve(axes: Any, box: Blackbox, splits: Splits, frame: list[tuple[float, float]]) -> None:
    """The function as a line through the points."""
    test, train = splits.test.head(300).tensors, splits.train.head(600).tensors
    axes.scatter(test["x"], test["y"], s=12, color="#9aa3b2", lw=0, label="unseen points")
    axes.scatter(
        train["x"], train["y"], s=30, color=COLOURS[0], ec="white", lw=0.5, alpha=0.85, label="training points"
    )
    x = grid(frame, 400, box)
    axes.plot(
        x.cpu().numpy(), box.predict(x).cpu().numpy(), color=COLOURS[1], lw=4, label="the box", solid_capstyle="round"
    )
    axes.set(xlim=frame[0], ylim=frame[1])
    axes.grid(alpha=0.25)
