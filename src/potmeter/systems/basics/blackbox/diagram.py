"""The inside of the black box: its neurons, the weights between them, and every knob as a dial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

if TYPE_CHECKING:
    from .system import Blackbox

PLUS, MINUS, MARK = "#ffb454", "#5cb3ff", "#ff3d71"
"""Of knobs above 0, of knobs below 0, and of the knob being turned."""
NEURON = LinearSegmentedColormap.from_list("neuron", [MINUS, "#0d0f13", PLUS])
SMALL = 22
"""Points along each side of a neuron's map."""
NET, DIALS = (34.0, 250.0, 570.0, 350.0), (34.0, 26.0, 570.0, 190.0)
"""Where, in the black box of 638 × 622 pixels, neurons and dials are: left, bottom, width, height."""


def grid(frame: list[tuple[float, float]], n: int, box: Blackbox) -> torch.Tensor:
    """Inputs that fill the frame: n along the axis, or n × n over the plane, row by row from below."""
    sides = [torch.linspace(low, high, n, device=box.device) for low, high in frame[: box.config.widths[0]]]
    if len(sides) == 1:
        return sides[0][:, None]
    rows, columns = torch.meshgrid(sides[1], sides[0], indexing="ij")
    return torch.stack([columns, rows], -1).reshape(-1, 2)


def draw_network(case: Any, box: Blackbox, frame: list[tuple[float, float]], turned: int | None) -> None:
    """Neurons as small maps of what they answer over the frame; weights as lines, thick where large."""
    left, bottom, width, height = NET
    widths = box.config.widths
    side = min(62.0, 0.8 * height / max(widths), 0.7 * width / len(widths))
    xs = np.linspace(left + 0.5 * side, left + width - 0.5 * side, len(widths))
    ys = [bottom + height / 2 + (0.5 * (n - 1) - np.arange(n)) * min(height / n, 96.0) for n in widths]
    lines, weights = [], []
    for i, weight in enumerate(w for w in box.network.parameters() if w.ndim == 2):
        for (to, origin), value in np.ndenumerate(weight.cpu().numpy()):
            lines.append([(xs[i], ys[i][origin]), (xs[i + 1], ys[i + 1][to])])
            weights.append(float(value))
    sizes = np.abs(weights)
    thick = np.clip(0.4 + 5.0 * sizes / max(4.0, float(sizes.max())), 0.4, 5.4)
    colours, faint = [PLUS if w > 0 else MINUS for w in weights], max(0.3, min(0.75, 7 / len(lines) ** 0.5))
    case.add_collection(LineCollection(lines, linewidths=thick, colors=colours, alpha=faint))
    line = weight_line(box, turned)
    if line is not None:
        case.add_collection(LineCollection([lines[line]], linewidths=thick[line] + 2.5, colors=MARK, zorder=3))
    for x, column, values in zip(xs, ys, box.network.neurons(box.scaled(grid(frame, SMALL, box))), strict=True):
        for y, answers in zip(column, values.T.cpu().numpy(), strict=True):
            draw_neuron(case, x, y, side, answers)


def draw_neuron(case: Any, x: float, y: float, side: float, answers: Any) -> None:
    """One neuron: a small map, or a small curve, of its answers."""
    half, reach = side / 2, max(1.0, float(np.abs(answers).max()))
    extent = (x - half, x + half, y - half, y + half)
    if answers.size == SMALL:
        case.add_patch(Rectangle((x - half, y - half), side, side, fc="#262b35", ec="#8b93a3", lw=1.2, zorder=4))
        case.plot(np.linspace(*extent[:2], SMALL), y + 0.86 * half * answers / reach, color="white", lw=2, zorder=5)
    else:
        image = answers.reshape(SMALL, SMALL)
        case.imshow(image, extent=extent, origin="lower", cmap=NEURON, vmin=-reach, vmax=reach, zorder=4, aspect="auto")
        case.add_patch(Rectangle((x - half, y - half), side, side, fc="none", ec="#8b93a3", lw=1.2, zorder=5))


def weight_line(box: Blackbox, turned: int | None) -> int | None:
    """The number of the line that shows a knob; None for a bias."""
    lines = 0
    for knob in box.network.parameters():
        if turned is None or 0 <= turned < knob.numel():
            return lines + turned if turned is not None and knob.ndim == 2 else None
        turned, lines = turned - knob.numel(), lines + (knob.numel() if knob.ndim == 2 else 0)
    return None


def draw_dials(case: Any, knobs: Any, turned: int | None) -> None:
    """Every knob as a dial: straight up is 0, to the right is more, and ever finer towards the ends."""
    left, bottom, width, height = DIALS
    columns = int(np.ceil(np.sqrt(len(knobs) * width / height)))
    step = min(width / columns, height / np.ceil(len(knobs) / columns), 58.0)
    rows = int(np.ceil(len(knobs) / columns))
    i = np.arange(len(knobs))
    x = left + width / 2 + step * (i % columns - 0.5 * (columns - 1))
    y = bottom + height / 2 + step * (0.5 * (rows - 1) - i // columns)
    centre = np.stack([x, y], 1)
    angle = np.radians(140) * np.tanh(knobs / 4)
    around: Any = lambda a: np.stack([np.sin(a), np.cos(a)], -1)
    ring = centre[:, None] + 0.38 * step * around(np.linspace(-1, 1, 25) * np.radians(140))[None]
    filled = centre[:, None] + 0.38 * step * around(np.linspace(0, 1, 13)[None] * angle[:, None])
    hands = np.stack([centre, centre + 0.30 * step * around(angle)], 1)
    colours = [MARK if k == turned else PLUS if value > 0 else MINUS for k, value in enumerate(knobs)]
    thin = max(0.5, step / 14)
    case.add_collection(LineCollection(list(ring), colors="#414856", linewidths=thin))
    case.add_collection(LineCollection(list(filled), colors=colours, linewidths=thin))
    case.add_collection(
        LineCollection(list(hands), colors=["white" if k != turned else MARK for k in i], linewidths=0.8 * thin)
    )
