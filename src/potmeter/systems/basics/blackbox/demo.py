"""Every knob a slider; a button lets training turn them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from potmeter.core.demo import Knobs
from potmeter.media import Image, Table

from .canvas import Canvas
from .model import knob_names
from .system import Blackbox

STEPS, RATE, SHOWN, REACH = 600, 0.3, 40, 8.0
"""Of the training that the button starts: its steps, its rate, and how often it is seen; and how far a slider goes."""
Values = tuple[float, ...]


@dataclass(frozen=True)
class Turned:
    """The function that the knobs make, and how wrong it is."""

    function: Image
    loss: Table


def demo(system: Blackbox) -> Knobs:
    """The box's knobs, as training left them."""
    names, splits = tuple(knob_names(system.network)), system.points(None)
    batch = {key: value.to(system.device) for key, value in splits.train.tensors.items()}
    canvas = Canvas(system, splits)

    def seen(box: Blackbox) -> Turned:
        parts = (("training points", box.measure(splits.train)), ("unseen points", box.measure(splits.test)))
        rows = [(name, *measured.values()) for name, measured in parts]
        return Turned(canvas.picture(box), Table(("", *parts[0][1]), rows))

    def show(values: Values) -> Turned:
        box = system.box()
        turn(box, torch.tensor(values))
        return seen(box)

    def train(values: Values) -> Iterator[tuple[Values, Turned]]:
        box, knobs = system.box(), torch.tensor(values, device=system.device)
        for step in range(STEPS + 1):
            turn(box, knobs)
            if step % (STEPS // SHOWN) == 0:
                yield tuple(knobs.tolist()), seen(box)
            knobs = (knobs - RATE * box.slopes(batch)).clamp(-REACH, REACH)

    def shake(values: Values) -> Iterator[tuple[Values, Turned]]:
        box = system.made(system.config, int(torch.randint(2**31, ())))
        yield tuple(box.knobs().values()), seen(box)

    return Knobs(
        title="turn the knobs",
        help=f"This network has {len(names)} knobs, and training has set them. Turn a few and see what breaks; turn all at "
        "random; then let training turn them back, every one a little downhill at each step.",
        names=names, low=-REACH, high=REACH, start=tuple(system.knobs().values()), show=show,
        actions={"Train": train, "Turn at random": shake},
    )  # fmt: skip


def turn(box: Blackbox, knobs: Tensor) -> None:
    """Set all knobs of a box."""
    vector_to_parameters(knobs.to(box.device), box.network.parameters())
