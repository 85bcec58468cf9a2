"""A parametrised family of functions: a small multilayer perceptron whose every parameter is a knob with a name.

h = x,   h ← φ(W h + b) for each hidden layer,   output = W h + b
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.data.splits import OWN_DATA
from potmeter.errors import reject

from .datasets import AXES, CLASSES, CURVES

MAX_KNOBS = 1000
"""Most knobs of a box, which is for looking at and turning, and whose address must stay short."""
MAX_KNOB_VALUE = 1e6
"""Largest absolute value of a knob that is accepted by hand or in a state."""


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Which points, which network. The last three fields, what the points taught, are filled in by training."""

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
    """What is learnt. The plane into classes: moons, circles, spirals, xor are synthetic, iris, wine, cancer measured.
    One number from another: sine, step, polynomial are synthetic, terrain is measured. own data = a table given as --data."""
    samples: Annotated[int, Range(1, 100_000)] = 300
    """Training points of a synthetic data set."""
    noise: Annotated[float, Range(0, 10)] = 0.15
    """Standard deviation of the noise of a synthetic data set."""
    hidden: Annotated[tuple[int, ...], Range(1, MAX_KNOBS)] = (4, 4)
    """Neurons in each hidden layer; none at all makes a linear model."""
    activation: Literal["tanh", "relu", "sine"] = "tanh"
    """Activation function of the hidden neurons."""
    batch_size: Annotated[int, Range(1)] = 64
    """Points in one optimiser step."""
    lr: Annotated[float, Range(0, open="low")] = 0.1
    """Peak learning rate."""
    classes: tuple[str, ...] = ()
    """Names of the classes of own data; none in a regression."""
    mean: tuple[float, ...] = ()
    """Mean of each of the two columns of measured or own data, by which they are standardised; none = they are not."""
    std: tuple[float, ...] = ()
    """Their standard deviations: the unit of the network's inputs, and of the target in the loss of a regression."""

    def __post_init__(self) -> None:
        super().__post_init__()
        len(self.hidden) <= 6 or reject("hidden may name at most 6 layers.", self.hidden)
        if self.classes and self.dataset != OWN_DATA:
            reject("classes are for own data; the built-in sets have theirs.", self.classes)
        good = len(self.classes) in (0, *range(2, 9)) and len(set(self.classes)) == len(self.classes)
        if not good or not all(0 < len(name) <= 40 for name in self.classes):
            reject("classes are 2 to 8 different names of at most 40 characters.", self.classes)
        if {len(self.mean), len(self.std)} not in ({0}, {2}) or not all(0 < s < 1e13 for s in self.std):
            reject("mean and std have two values each, or none; std is positive.", (self.mean, self.std))
        all(abs(m) < 1e13 for m in self.mean) or reject("mean must be finite.", self.mean)
        self.knobs <= MAX_KNOBS or reject(
            f"A box has at most {MAX_KNOBS} knobs; hidden={self.hidden} makes {self.knobs}.", self.hidden
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
    def synthetic(self) -> bool:
        """Whether the points come from a formula, in units that need no standardisation."""
        return self.dataset in CURVES or self.dataset in ("moons", "circles", "spirals", "xor")


class Sine(nn.Module):
    """sin, element by element."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "sine": Sine}


class Perceptron(nn.Sequential):
    """``layer1``, activation, ``layer2``, …; its knobs are ``layer1.weight[to,from]`` and ``layer1.bias[to]``.

    Weights start as normal numbers of variance 1 / inputs, biases of variance 1/4, so that the kinks of the hidden
    neurons lie spread over the points from the start.

    Args:
        widths: Numbers that enter, pass through and leave.
        activation: Of the hidden neurons.
    """

    def __init__(self, widths: tuple[int, ...], activation: str) -> None:
        layers: list[tuple[str, nn.Module]] = []
        for i, (inputs, outputs) in enumerate(pairwise(widths), 1):
            layers += [(f"layer{i}", nn.Linear(inputs, outputs)), (f"activation{i}", ACTIVATIONS[activation]())]
        super().__init__(OrderedDict(layers[:-1]))  # the last layer has none
        for name, knob in self.named_parameters():
            nn.init.normal_(knob, std=0.5 if "bias" in name else 1 / math.sqrt(knob.shape[1]))


class Network(nn.Module):
    """The function that the knobs (all parameters) make: from the data's columns to logits, or to a number.

    Args:
        config: Its sizes, and mean and standard deviation of the columns.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.layers = Perceptron(config.widths, config.activation)

    def standardize(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        """Inputs in standard deviations from their mean, computed in the precision that they come in."""
        n = x.shape[1]
        mean, std = (x.new_tensor(values[:n]) for values in self.mean_and_std)
        return ((x - mean) / std).to(next(self.layers.parameters()).dtype)

    @property
    def mean_and_std(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of the two columns."""
        return self.config.mean or (0.0, 0.0), self.config.std or (1.0, 1.0)

    def forward(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b c"]:
        """Logits (B, C), that of the first of two classes being 0; or the answer (B, 1) in standard deviations."""
        out: Tensor = self.layers(self.standardize(x))
        return F.pad(out, (1, 0)) if len(self.config.labels) == 2 else out

    def predict(self, x: Float[Tensor, "b n"]) -> Float[Tensor, "b c"]:
        """Probabilities of the classes (B, C), or the answer (B, 1) in the data's own unit."""
        out, (mean, std) = self(x), self.mean_and_std
        return out.softmax(1) if self.config.labels else out.to(x.dtype) * std[1] + mean[1]

    def activations(self, x: Float[Tensor, "b n"]) -> list[Tensor]:
        """Standardised inputs, hidden layers after their activation, output; (B, width) each."""
        x = self.standardize(x)
        values = [x]
        for name, layer in self.layers.named_children():
            x = layer(x)
            if name.startswith("activation"):
                values.append(x)
        return [*values, x]


def knob_names(network: Network) -> list[str]:
    """The name of every knob, in the order of ``parameters_to_vector``."""
    names = []
    for name, knob in network.layers.named_parameters():
        names += [f"{name}[{','.join(map(str, place))}]" for place in product(*map(range, knob.shape))]
    return names
