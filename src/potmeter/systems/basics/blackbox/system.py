"""The black box, in the lecture's order: points, architecture, loss, training, use."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal
from potmeter.data.batches import Batch, in_batches, to_device
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import reject
from potmeter.media import Chart, Table, Text, Video

from .baselines import classification_baselines, regression_baselines
from .box_picture import draw_box
from .datasets import NAMES, load_built_in, read_table
from .knob_system import KnobSystem
from .model import MAX_KNOB_VALUE, Network
from .model import Config as BoxConfig
from .results import KnobSweep, Snapshot, TrainingView

FRAMES, FPS = 24, 6
"""Frames of a training's video, and how many are shown a second."""


class Blackbox(KnobSystem):
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
            source: A table with columns x, y, or x1, x2, label; without it the Config's data set.
        """
        if source is not None:
            return read_table(Table.open(source))
        return load_built_in(config.dataset, config.samples, config.noise)

    @classmethod
    def fit_config(cls, config: BoxConfig, splits: Splits) -> BoxConfig:
        """Classes of own data; mean and deviation of columns that come in units of their own."""
        own = splits.dataset == OWN_DATA
        config = replace(
            config,
            dataset=OWN_DATA if own else config.dataset,
            classes=splits.classes if own else (),
            mean=(),
            std=(),
        )
        if config.synthetic:
            return config
        tensors = splits.train.tensors
        columns = torch.cat([tensors["x"], *([tensors["y"]] if "y" in tensors else [])], 1).double()
        std = columns.std(0, correction=0).clamp(min=1e-12)
        return replace(config, mean=tuple(columns.mean(0).tolist()), std=tuple(std.tolist()))

    # 2. The architecture

    def __init__(self, config: BoxConfig) -> None:
        super().__init__(config)
        self.network = Network(config)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, C) of points (B, 2), that of the first of two classes being 0; or answers (B, 1) in deviations."""
        logits: Tensor = self.network(x)
        return logits

    # 3. The loss

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy, or squared error in variances of the target, of each point (B,)."""
        outputs = self.network(batch["x"])
        if self.config.labels:
            return cross_entropy(outputs, batch["label"], reduction="none")
        mean, std = self.network.mean_and_std
        targets = (batch["y"] - mean[1]) / std[1]
        return (outputs - targets.to(outputs.dtype)).square()[:, 0]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.losses(batch).mean()}

    # 4. Training is the default step; what it reached:

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """The loss of each point and, of classes, whether the likeliest was right."""
        self.require_fit(data)
        names = ("loss", "accuracy") if self.config.labels else ("loss",)
        values: dict[str, list[Tensor]] = {name: [] for name in names}
        for batch in in_batches(data, 4096, self.device):
            values["loss"].append(self.losses(batch))
            if self.config.labels:
                values["accuracy"].append((self.network(batch["x"]).argmax(1) == batch["label"]).float())
        return {key: torch.cat(parts) for key, parts in values.items()}

    def baselines(self, splits: Splits) -> dict[str, float]:
        """Linear (logistic) regression and the nearest neighbour, fitted to the same training points."""
        fit = classification_baselines if self.config.labels else regression_baselines
        return fit(self.network, splits)

    # 5. Use

    def run(self, state: str = "", *, knobs: tuple[str, ...] = (), source: Table | None = None) -> Snapshot:
        """Look at the box: the function it is, its loss, and every knob with the gradient of the loss.

        Args:
            state: A whole box as the text that ``run`` and the tasks give; without one, the trained box.
            knobs: Knobs to set first, each as NAME=VALUE: layer1.weight[0,1]=0.5.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        box = self.restore(state, knobs)
        return box.snapshot(box.load_points(source))

    @task
    def new(
        self, dataset: Annotated[str, Choice("datasets")] = "spirals", *, hidden: tuple[int, ...] = (8, 8),
        activation: Annotated[str, Choice("activations")] = "tanh", seed: Annotated[int, Range(0, 2**31)] = 0,
        source: Table | None = None,
    ) -> Snapshot:  # fmt: skip
        """Make a new box, its knobs at random; its state is where ``turn`` and ``learn`` can start.

        Args:
            dataset: What it is to learn.
            hidden: Neurons in each hidden layer.
            activation: Activation function of the hidden neurons: tanh, relu, sine.
            seed: Start of all randomness.
            source: Learn this table instead: columns x, y, or x1, x2, label.
        """
        config = BoxConfig(dataset=dataset, hidden=hidden, activation=activation)  # type: ignore[arg-type]
        splits = self.data(config) if source is None else read_table(source)
        return self.create(self.fit_config(config, splits), seed).snapshot(splits)

    @task
    def turn(
        self, knob: str = "layer1.weight[0,0]", *, state: str = "",
        low: Annotated[float, Range(-MAX_KNOB_VALUE, MAX_KNOB_VALUE)] = -6.0,
        high: Annotated[float, Range(-MAX_KNOB_VALUE, MAX_KNOB_VALUE)] = 6.0,
        positions: Annotated[int, Range(2, 200)] = 49, source: Table | None = None,
    ) -> KnobSweep:  # fmt: skip
        """Turn one knob from one end to the other: a video of what the function does, and the loss on the way.

        Args:
            knob: Its name.
            state: The box; without one, the trained one.
            low: Where the knob starts.
            high: Where it ends.
            positions: Frames of the video.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        low < high or reject("low must be less than high.", (low, high))
        box, frames, losses, states = self.restore(state), [], [], []
        splits, index = box.load_points(source), box.knob_index(knob)
        knobs = parameters_to_vector(box.network.parameters()).detach().clone()
        for value in progress(torch.linspace(low, high, positions).tolist(), "turning"):
            knobs[index] = value
            vector_to_parameters(knobs.clone(), box.network.parameters())
            losses.append([(value, box.mean_metrics(part)["loss"]) for part in (splits.train, splits.test)])
            states.append(box.state())
            title = f"{knob} = {value:+.2f}    loss {losses[-1][0][1]:.3f}"
            frames.append(draw_box(box.network, splits, title, index).pixels)
        training, unseen = ([pair[part] for pair in losses] for part in (0, 1))
        best = states[min(range(positions), key=lambda i: training[i][1])]
        return KnobSweep(
            Video(np.stack(frames)),
            Chart({"training points": training, "unseen points": unseen}, knob, "loss"),
            Text(best),
        )

    @task
    def learn(
        self, state: str = "", *, steps: Annotated[int, Range(1, 100_000)] = 1000,
        lr: Annotated[float, Range(1e-6, 100)] = 0.3, seed: Annotated[int, Range(0, 2**31)] = 0, source: Table | None = None,
    ) -> Iterator[TrainingView]:  # fmt: skip
        """Let training turn the knobs: gradient descent on all training points at once, at the end as a video.

        Args:
            state: Where to start; without one, a box like the trained one with its knobs at random.
            steps: Steps of gradient descent.
            lr: Learning rate: each knob moves by so many times the gradient, downhill.
            seed: Start of the randomness, where there is no state.
            source: A table of your own points: columns x, y, or x1, x2, label.
        """
        box = self.restore(state) if state else self.create(self.config, seed)
        splits = box.load_points(source)
        batch = to_device(splits.train.tensors, self.device)
        curves: dict[str, list[tuple[float, float]]] = {"training points": [], "unseen points": []}
        frames: list[Any] = []
        frame_steps = {
            round(steps * (i / FRAMES) ** 2) for i in range(FRAMES + 1)
        }  # most often at first, when most happens
        for step in progress(range(steps + 1), "learning"):
            if step in frame_steps:
                for curve, part in zip(curves.values(), (splits.train, splits.test), strict=True):
                    curve.append((float(step), box.mean_metrics(part)["loss"]))
                loss = curves["training points"][-1][1]
                math.isfinite(loss) or reject(f"The loss is no longer finite at step {step}: lower --lr.", lr)
                picture = draw_box(box.network, splits, f"step {step:,}    loss {loss:.3f}")
                frames.append(picture.pixels)
                chart = Chart({name: list(curve) for name, curve in curves.items()}, "step", "loss")
                still = [frames[-1]] * FPS  # so that the end can be looked at
                done = step == steps
                yield TrainingView(
                    Video(np.stack(frames + still), fps=FPS) if done else picture, chart, Text(box.state())
                )
            gradient = box.gradient(batch)
            knobs = parameters_to_vector(box.network.parameters()).detach()
            knobs -= lr * gradient  # this line is all there is to learning
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
                task="new",
                dataset="spirals",
                hidden=(12, 12),
            ),
            Example(
                "A real landscape: heights across a fault",
                task="new",
                dataset="terrain",
                activation="sine",
            ),
        ]
