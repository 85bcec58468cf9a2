"""The black box, in the lecture's order: points, architecture, loss, training, use."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal
from potmeter.data.batches import Batch, in_batches
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import reject
from potmeter.media import Chart, Table, Text, Video

from .datasets import NAMES, built_in, from_table
from .model import REACH, Network
from .model import Config as BoxConfig
from .panel import Panel
from .pictures import draw
from .results import Learned, Look, Turned


class Blackbox(Panel):
    """A network so small that its every weight is a knob to be turned by hand, or by gradient descent."""

    name = "blackbox"
    Config = BoxConfig
    presets = {
        "tiny": BoxConfig(samples=200, hidden=(8,)),
        "lecture": BoxConfig(hidden=(6, 4), weight_decay=0.1),
        "moons": BoxConfig(hidden=(6, 4), weight_decay=0.1),
        "sine": BoxConfig(dataset="sine", hidden=(8,)),
        "paper": BoxConfig(dataset="xor", hidden=(2,)),
    }
    goal = Goal("loss", "lower")
    datasets = NAMES
    activations = ("tanh", "relu", "sine")

    # 1. Input–output pairs

    @classmethod
    def data(cls, config: BoxConfig, source: str | None = None) -> Splits:
        """The points.

        Args:
            source: A table (CSV) with columns x, y, or x1, x2, label; without it the Config's data set.
        """
        if source is not None:
            return from_table(Table.open(source))
        return built_in(config.dataset, config.samples, config.noise)

    @classmethod
    def fit_config(cls, config: BoxConfig, splits: Splits) -> BoxConfig:
        """Classes of own data; mean and deviation of columns that come in units of their own."""
        own = splits.origin == OWN_DATA
        config = replace(
            config,
            dataset=OWN_DATA if own else config.dataset,
            classes=splits.classes if own else (),
            centre=(),
            scale=(),
        )
        if config.drawn:
            return config
        tensors = splits.train.tensors
        columns = torch.cat([tensors["x"], *([tensors["y"]] if "y" in tensors else [])], 1).double()
        scale = columns.std(0, correction=0).clamp(min=1e-12)
        return replace(config, centre=tuple(columns.mean(0).tolist()), scale=tuple(scale.tolist()))

    # 2. The architecture

    centre: Tensor
    scale: Tensor

    def __init__(self, config: BoxConfig) -> None:
        super().__init__(config)
        self.network = Network(config.widths, config.activation)
        self.register_buffer("centre", torch.tensor(config.centre or (0.0, 0.0)), persistent=False)
        self.register_buffer("scale", torch.tensor(config.scale or (1.0, 1.0)), persistent=False)

    def scaled(self, x: Tensor) -> Tensor:
        """Inputs (B, n) as the network sees them."""
        n = x.shape[1]
        return (x - self.centre[:n]) / self.scale[:n]

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, C), that of the first of two classes being 0; or the answer (B, 1) in deviations of the data."""
        out: Tensor = self.network(self.scaled(x))
        return pad(out, (1, 0)) if len(self.config.labels) == 2 else out

    def predict(self, x: Tensor) -> Tensor:
        """Probabilities of the classes (B, C), or the answer (B, 1) in the data's own unit."""
        out = self(x)
        return out.softmax(1) if self.config.labels else out * self.scale[1] + self.centre[1]

    # 3. The loss

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy, or squared error, of each point (B,)."""
        if self.config.labels:
            return cross_entropy(self(batch["x"]), batch["label"], reduction="none")
        return (self(batch["x"]) - (batch["y"] - self.centre[1]) / self.scale[1]).square()[:, 0]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.losses(batch).mean()}

    # 4. Training is the default step; what it reached:

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """The loss of each point and, of classes, whether the likeliest was right."""
        self.check_fit(data)
        names = ("loss", "accuracy") if self.config.labels else ("loss",)
        found: dict[str, list[Tensor]] = {name: [] for name in names}
        for batch in in_batches(data, 4096, self.device):
            found["loss"].append(self.losses(batch))
            if self.config.labels:
                found["accuracy"].append((self(batch["x"]).argmax(1) == batch["label"]).float())
        return {key: torch.cat(values) for key, values in found.items()}

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Linear (logistic) regression and the nearest neighbour, fitted to the same training points."""
        from .baselines import classification, regression

        return (classification if self.config.labels else regression)(self, splits)

    # 5. Use

    def run(self, state: str = "", *, knobs: tuple[str, ...] = (), source: Table | None = None) -> Look:
        """Look at the box: the function it is, its loss, and every knob with the slope of the loss along it.

        Args:
            state: A box as ``run`` and the tasks give it; without one, the trained box.
            knobs: Knobs to set first, each as NAME=VALUE: layer1.weight[0,1]=0.5.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        box = self.box(state, knobs)
        return box.look(box.points(source))

    @task
    def fresh(
        self, dataset: Annotated[str, Choice("datasets")] = "spirals", *, hidden: tuple[int, ...] = (8, 8),
        activation: Annotated[str, Choice("activations")] = "tanh", seed: Annotated[int, Range(0, 2**31)] = 0,
        source: Table | None = None,
    ) -> Look:  # fmt: skip
        """Make a new box, its knobs turned at random; its state is where ``turn`` and ``learn`` can start.

        Args:
            dataset: What it is to learn.
            hidden: Neurons in each hidden layer.
            activation: What a hidden neuron does with its sum: tanh, relu, sine.
            seed: Start of all randomness.
            source: Learn this table instead: columns x, y, or x1, x2, label.
        """
        config = BoxConfig(dataset=dataset, hidden=hidden, activation=activation)  # type: ignore[arg-type]
        splits = self.data(config) if source is None else from_table(source)
        return self.made(self.fit_config(config, splits), seed).look(splits)

    @task
    def turn(
        self, knob: str = "layer1.weight[0,0]", *, state: str = "", low: Annotated[float, Range(-REACH, REACH)] = -6.0,
        high: Annotated[float, Range(-REACH, REACH)] = 6.0,
        positions: Annotated[int, Range(2, 200)] = 49, source: Table | None = None,
    ) -> Turned:  # fmt: skip
        """Turn one knob from one end to the other: a film of what the function does, and the loss on the way.

        Args:
            knob: Its name.
            state: The box; without one, the trained one.
            low: Where the knob starts.
            high: Where it ends.
            positions: Pictures in the film.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        low < high or reject("low must be less than high.", (low, high))
        box, frames, losses, states = self.box(state), [], [], []
        splits, place = box.points(source), box.place(knob)
        knobs = parameters_to_vector(box.network.parameters()).detach().clone()
        for value in progress(torch.linspace(low, high, positions).tolist(), "turning"):
            knobs[place] = value
            vector_to_parameters(knobs.clone(), box.network.parameters())
            losses.append([(value, float(box.measure(part)["loss"])) for part in (splits.train, splits.test)])
            states.append(box.state())
            title = f"{knob} = {value:+.2f}    loss {losses[-1][0][1]:.3f}"
            frames.append(draw(box, splits, title, place).pixels)
        training, unseen = ([pair[part] for pair in losses] for part in (0, 1))
        best = states[min(range(positions), key=lambda i: training[i][1])]
        return Turned(
            Video(np.stack(frames)),
            Chart({"training points": training, "unseen points": unseen}, knob, "loss"),
            Text(best),
        )

    @task
    def learn(
        self, state: str = "", *, steps: Annotated[int, Range(1, 100_000)] = 1000,
        rate: Annotated[float, Range(1e-6, 100)] = 0.3, seed: Annotated[int, Range(0, 2**31)] = 0, source: Table | None = None,
    ) -> Iterator[Learned]:  # fmt: skip
        """Let training turn the knobs: gradient descent on all training points at once, watched on the way.

        Args:
            state: Where to start; without one, a box like the trained one with its knobs at random.
            steps: How often all knobs are turned.
            rate: How far: each knob moves by the rate times the slope, downhill.
            seed: Start of the randomness, where there is no state.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        box = self.box(state) if state else self.made(self.config, seed)
        splits = box.points(source)
        batch = {key: value.to(self.device) for key, value in splits.train.tensors.items()}
        curves: dict[str, list[tuple[float, float]]] = {"training points": [], "unseen points": []}
        shown = {round(steps * i / 20) for i in range(21)}
        for step in progress(range(steps + 1), "learning"):
            if step in shown:
                for curve, part in zip(curves.values(), (splits.train, splits.test), strict=True):
                    curve.append((float(step), float(box.measure(part)["loss"])))
                loss = curves["training points"][-1][1]
                math.isfinite(loss) or reject(f"The loss is no longer finite at step {step}: lower the rate.", rate)
                picture = draw(box, splits, f"step {step:,}    loss {loss:.3f}")
                chart = Chart({name: list(line) for name, line in curves.items()}, "step", "loss")
                yield Learned(picture, chart, Text(box.state()))
            slopes = box.slopes(batch)
            knobs = parameters_to_vector(box.network.parameters()).detach()
            knobs -= rate * slopes  # this line is all there is to learning
            vector_to_parameters(knobs, box.network.parameters())

    def examples(self) -> list[Example]:
        wide = "layer1.weight[0,0]"
        return [
            Example("The trained box: every knob where training left it"),
            Example("One knob turned by hand: what does it break?", knobs=(f"{wide}=-4",)),
            Example("Turn one knob from end to end", task="turn", knob=wide, positions=25),
            Example("From random knobs, let training turn them", task="learn", steps=1000),
            Example(
                "A new box, and two spirals to tell apart",
                task="fresh",
                dataset="spirals",
                hidden=(12, 12),
            ),
            Example(
                "A real landscape: heights across a fault",
                task="fresh",
                dataset="terrain",
                activation="sine",
            ),
        ]
