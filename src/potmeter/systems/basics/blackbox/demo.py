"""Every knob a slider; a button lets training turn them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from potmeter.core.demo import Knobs
from potmeter.data.batches import to_device
from potmeter.media import Image, Result, Table

from .function_plot import FunctionPlot
from .model import knob_names
from .system import Blackbox

STEPS, LR, PREVIEWS, SLIDER_RANGE = 600, 0.3, 40, 8.0
"""Of the training that the button starts: its steps, learning rate, and how often it is shown; and ± how far a slider goes."""
Values = tuple[float, ...]


@dataclass(frozen=True)
class KnobsView(Result):
    """The function that the knobs make, and its loss."""

    function: Image
    loss: Table


def demo(system: Blackbox) -> Knobs:
    """The box's knobs, as training left them."""
    names, splits = tuple(knob_names(system.network)), system.load_points(None)
    batch = to_device(splits.train.tensors, system.device)
    plot = FunctionPlot(system.network, splits)

    def view(box: Blackbox) -> KnobsView:
        metrics = {"training points": box.mean_metrics(splits.train), "unseen points": box.mean_metrics(splits.test)}
        rows = [(name, *values.values()) for name, values in metrics.items()]
        return KnobsView(plot.draw(box.network), Table(("", *metrics["training points"]), rows))

    def show(values: Values) -> KnobsView:
        box = system.restore()
        set_knobs(box, torch.tensor(values))
        return view(box)

    def train(values: Values) -> Iterator[tuple[Values, KnobsView]]:
        box, knobs = system.restore(), torch.tensor(values, device=system.device)
        for step in range(STEPS + 1):
            set_knobs(box, knobs)
            if step % (STEPS // PREVIEWS) == 0:
                yield tuple(knobs.tolist()), view(box)
            knobs = (knobs - LR * box.gradient(batch)).clamp(-SLIDER_RANGE, SLIDER_RANGE)

    def randomize(values: Values) -> Iterator[tuple[Values, KnobsView]]:
        box = system.create(system.config, int(torch.randint(2**31, ())))
        yield tuple(box.knobs().values()), view(box)

    return Knobs(
        title="turn the knobs",
        help=f"This network has {len(names)} knobs, and training has set them. Turn a few and see what breaks; turn all at "
        "random; then let training turn them back, every one a little downhill at each step.",
        names=names, low=-SLIDER_RANGE, high=SLIDER_RANGE, start=tuple(system.knobs().values()), show=show,
        actions={"Train": train, "Turn at random": randomize},
    )  # fmt: skip


def set_knobs(box: Blackbox, knobs: Tensor) -> None:
    """Set all knobs of a box, (N,), in the order of ``parameters_to_vector``."""
    vector_to_parameters(knobs.to(box.device), box.network.parameters())
