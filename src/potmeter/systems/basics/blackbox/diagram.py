"""The inside of the black box: neurons, the weights between them, and every knob as a dial."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from potmeter.core.devices import device_of

from .model import Network

Frame = list[tuple[float, float]]
"""Lowest and highest value of each column that is drawn."""

PLUS, MINUS, MARK = "#ffb454", "#5cb3ff", "#ff3d71"
"""Colours of knobs above 0, of knobs below 0, and of the marked one."""
NEURON = LinearSegmentedColormap.from_list("neuron", [MINUS, "#0d0f13", PLUS])
NEURON_GRID = 22
"""Points along each side of a neuron's map."""
NEURONS, DIALS = (34.0, 250.0, 570.0, 350.0), (34.0, 26.0, 570.0, 190.0)
"""Where, in the black box of 638 × 622 pixels, neurons and dials are: left, bottom, width, height."""


def input_grid(frame: Frame, n: int, inputs: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Inputs that fill the frame: (n, 1) along the axis, or (n², 2) over the plane, row by row from below."""
    sides = [torch.linspace(low, high, n, dtype=torch.float64) for low, high in frame[:inputs]]
    if inputs == 1:
        return sides[0][:, None].to(device)
    rows, columns = torch.meshgrid(sides[1], sides[0], indexing="ij")
    return torch.stack([columns, rows], -1).reshape(-1, 2).to(device)


def draw_network(axes: Any, network: Network, frame: Frame, marked: int | None) -> None:
    """Neurons as small maps of their activation over the frame; weights as lines, thick where large."""
    left, bottom, width, height = NEURONS
    widths = network.config.widths
    side = min(62.0, 0.8 * height / max(widths), 0.7 * width / len(widths))
    xs = np.linspace(left + 0.5 * side, left + width - 0.5 * side, len(widths))
    ys = [bottom + height / 2 + (0.5 * (n - 1) - np.arange(n)) * min(height / n, 96.0) for n in widths]
    lines, weights = [], []
    for i, weight in enumerate(w for w in network.parameters() if w.ndim == 2):
        for (to, origin), value in np.ndenumerate(weight.cpu().numpy()):
            lines.append([(xs[i], ys[i][origin]), (xs[i + 1], ys[i + 1][to])])
            weights.append(float(value))
    sizes = np.abs(weights)
    thickness = np.clip(0.4 + 5.0 * sizes / max(4.0, float(sizes.max())), 0.4, 5.4)
    colours, opacity = [PLUS if w > 0 else MINUS for w in weights], max(0.3, min(0.75, 7 / len(lines) ** 0.5))
    axes.add_collection(LineCollection(lines, linewidths=thickness, colors=colours, alpha=opacity))
    line = weight_line(network, marked)
    if line is not None:
        axes.add_collection(LineCollection([lines[line]], linewidths=thickness[line] + 2.5, colors=MARK, zorder=3))
    activations = network.activations(input_grid(frame, NEURON_GRID, widths[0], device_of(network)))
    for x, column, values in zip(xs, ys, activations, strict=True):
        for y, activation in zip(column, values.T.cpu().numpy(), strict=True):
            draw_neuron(axes, x, y, side, activation)


def draw_neuron(axes: Any, x: float, y: float, side: float, activation: Any) -> None:
    """One neuron: a small map, or a small curve, of its activation."""
    half, reach = side / 2, max(1.0, float(np.abs(activation).max()))
    extent = (x - half, x + half, y - half, y + half)
    if activation.size == NEURON_GRID:
        axes.add_patch(Rectangle((x - half, y - half), side, side, fc="#262b35", ec="#8b93a3", lw=1.2, zorder=4))
        axes.plot(
            np.linspace(*extent[:2], NEURON_GRID), y + 0.86 * half * activation / reach, color="white", lw=2, zorder=5
        )
    else:
        image = activation.reshape(NEURON_GRID, NEURON_GRID)
        axes.imshow(image, extent=extent, origin="lower", cmap=NEURON, vmin=-reach, vmax=reach, zorder=4, aspect="auto")
        axes.add_patch(Rectangle((x - half, y - half), side, side, fc="none", ec="#8b93a3", lw=1.2, zorder=5))


def weight_line(network: Network, knob: int | None) -> int | None:
    """The number of the line that shows a knob; None for a bias."""
    lines = 0
    for parameter in network.parameters():
        if knob is None or 0 <= knob < parameter.numel():
            return lines + knob if knob is not None and parameter.ndim == 2 else None
        knob, lines = knob - parameter.numel(), lines + (parameter.numel() if parameter.ndim == 2 else 0)
    return None


def draw_dials(axes: Any, knobs: Any, marked: int | None) -> None:
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
    direction: Any = lambda a: np.stack([np.sin(a), np.cos(a)], -1)
    rings = centre[:, None] + 0.38 * step * direction(np.linspace(-1, 1, 25) * np.radians(140))[None]
    arcs = centre[:, None] + 0.38 * step * direction(np.linspace(0, 1, 13)[None] * angle[:, None])
    hands = np.stack([centre, centre + 0.30 * step * direction(angle)], 1)
    colours = [MARK if k == marked else PLUS if value > 0 else MINUS for k, value in enumerate(knobs)]
    line_width = max(0.5, step / 14)
    axes.add_collection(LineCollection(list(rings), colors="#414856", linewidths=line_width))
    axes.add_collection(LineCollection(list(arcs), colors=colours, linewidths=line_width))
    axes.add_collection(
        LineCollection(list(hands), colors=["white" if k != marked else MARK for k in i], linewidths=0.8 * line_width)
    )
