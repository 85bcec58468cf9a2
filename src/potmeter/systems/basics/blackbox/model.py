"""A parametrised family of functions: a small multilayer perceptron whose every weight is a knob with a name.

h = x,   h ← φ(W h + b) for each hidden layer,   output = W h + b
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.core.signature import Range
from potmeter.data.splits import OWN_DATA
from potmeter.errors import reject

from .datasets import AXES, CLASSES, CURVES

MOST_KNOBS = 1000
"""A box is for looking at and turning; its address must stay short."""
REACH = 1e6
"""Largest value of a knob that is accepted by hand or in a state."""


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Which points, which network. What the points taught (the last three fields) is filled in by training."""

    dataset: Literal[
        "moons",
        "circles",
        "spirals",
        "xor",
        "iris",
        "wine",
        "cancer",
        "sine",
        "step",
        "polynomial",
        "terrain",
        "own data",
    ] = "moons"
    """What is learnt. The plane into classes: moons, circles, spirals, xor are drawn, iris, wine, cancer measured.
    One number from another: sine, step, polynomial are drawn, terrain is measured. own data = a table given as --data."""
    samples: int = 300
    """Training points of a drawn data set."""
    noise: float = 0.15
    """Standard deviation of the noise of a drawn data set."""
    hidden: tuple[int, ...] = (4, 4)
    """Neurons in each hidden layer; none at all makes a linear model."""
    activation: Literal["tanh", "relu", "sine"] = "tanh"
    """What a hidden neuron does with its sum."""
    batch_size: Annotated[int, Range(1)] = 64
    """Points in one optimiser step."""
    lr: Annotated[float, Range(0, open="low")] = 0.1
    """Peak learning rate."""
    classes: tuple[str, ...] = ()
    """Names of the classes of own data; none in a regression."""
    centre: tuple[float, ...] = ()
    """Mean of the two columns of measured or own data."""
    scale: tuple[float, ...] = ()
    """Their standard deviation: the network, and the loss of a regression, see the columns in these units."""

    def __post_init__(self) -> None:
        super().__post_init__()
        1 <= self.samples <= 100_000 or reject("samples must lie between 1 and 100,000.", self.samples)
        0 <= self.noise <= 10 or reject("noise must lie between 0 and 10.", self.noise)
        len(self.hidden) <= 6 or reject("hidden may name at most 6 layers.", self.hidden)
        for width in self.hidden:
            1 <= width <= MOST_KNOBS or reject(f"hidden layers have 1 to {MOST_KNOBS} neurons.", self.hidden)
        if self.classes and self.dataset != OWN_DATA:
            reject("classes are for own data; the built-in sets have theirs.", self.classes)
        good = len(self.classes) in (0, *range(2, 9)) and len(set(self.classes)) == len(self.classes)
        if not good or not all(0 < len(name) <= 40 for name in self.classes):
            reject("classes are 2 to 8 different names of at most 40 characters.", self.classes)
        if {len(self.centre), len(self.scale)} not in ({0}, {2}) or not all(0 < s < 1e13 for s in self.scale):
            reject("centre and scale have two values each, or none; scale is positive.", (self.centre, self.scale))
        all(abs(c) < 1e13 for c in self.centre) or reject("centre must be finite.", self.centre)
        self.knobs <= MOST_KNOBS or reject(
            f"A box has at most {MOST_KNOBS} knobs; hidden={self.hidden} makes {self.knobs}.", self.hidden
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes; none in a regression."""
        return self.classes if self.dataset == OWN_DATA else CLASSES.get(self.dataset, ())

    @property
    def axes(self) -> tuple[str, str]:
        """What the two columns of the data are called."""
        return AXES.get(self.dataset, ("x₁", "x₂") if self.labels else ("x", "y"))

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers that enter, pass through and leave the network. Two classes need one output, C > 2 classes C."""
        outputs = len(self.labels) if len(self.labels) > 2 else 1
        return (2 if self.labels else 1, *self.hidden, outputs)

    @property
    def knobs(self) -> int:
        """How many knobs such a box has."""
        return sum((n + 1) * m for n, m in pairwise(self.widths))

    @property
    def drawn(self) -> bool:
        """Whether the points come from a formula, in units that need no scaling."""
        return self.dataset in CURVES or self.dataset in ("moons", "circles", "spirals", "xor")


class Sine(nn.Module):
    """sin, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "sine": Sine}


class Network(nn.Sequential):
    """The perceptron: ``layer1``, activation, ``layer2``, …; knobs are ``layer1.weight[to,from]``, ``layer1.bias[to]``.

    Weights start as normal numbers of variance 1 / inputs, biases of variance 1/4, so that the bends of the hidden
    neurons lie spread over the points from the start.

    Args:
        widths: Numbers that enter, pass through and leave.
        activation: What a hidden neuron does with its sum.
    """

    def __init__(self, widths: tuple[int, ...], activation: str) -> None:
        parts: list[tuple[str, nn.Module]] = []
        for i, (n, m) in enumerate(pairwise(widths), 1):
            parts += [(f"layer{i}", nn.Linear(n, m)), (f"activation{i}", ACTIVATIONS[activation]())]
        super().__init__(OrderedDict(parts[:-1]))  # the last layer's sum is the output itself
        for name, knob in self.named_parameters():
            nn.init.normal_(knob, std=0.5 if "bias" in name else 1 / math.sqrt(knob.shape[1]))

    def neurons(self, x: Tensor) -> list[Tensor]:
        """What every layer puts out: inputs, hidden layers after their activation, output; (B, width) each."""
        values = [x]
        for name, part in self.named_children():
            x = part(x)
            if name.startswith("activation"):
                values.append(x)
        return [*values, x]


def knob_names(network: Network) -> list[str]:
    """The name of every knob, in the order of ``parameters_to_vector``."""
    names = []
    for name, knob in network.named_parameters():
        names += [f"{name}[{','.join(map(str, place))}]" for place in product(*map(range, knob.shape))]
    return names
