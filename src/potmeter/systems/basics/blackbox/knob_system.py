"""The front of the box: its knobs by name, set and read out, and the state that holds them all."""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from potmeter.core.system import System
from potmeter.data.batches import Batch, to_device
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import UserError, reject, suggest
from potmeter.media import Table, Text

from .box_picture import draw_box
from .datasets import read_table
from .model import MAX_KNOB_VALUE, Config, Network, knob_names
from .results import Snapshot
from .state import decode_state, encode_state


class KnobSystem(System):
    """A system with a ``network`` of named knobs; nothing here changes them: boxes are copied."""

    network: Network

    def knobs(self) -> dict[str, float]:
        """Every knob's value, by its name."""
        return dict(
            zip(knob_names(self.network), parameters_to_vector(self.network.parameters()).tolist(), strict=True)
        )

    def state(self) -> str:
        """The whole box, Config and knobs, as a short text that brings it back to the bit."""
        return encode_state(self.config, parameters_to_vector(self.network.parameters()))

    def restore(self, state: str = "", knobs: tuple[str, ...] = ()) -> Self:
        """A copy of this box, or the one of a state, with some knobs set: ``("layer1.weight[0,1]=0.5", …)``."""
        values = parameters_to_vector(self.network.parameters()).detach().clone()
        config, values = decode_state(state) if state else (self.config, values)
        box = self.create(config, 0)
        for setting in knobs:
            name, equals, value = setting.rpartition("=")
            equals or reject("A knob is set as NAME=VALUE, for example layer1.weight[0,1]=0.5.", setting)
            values[box.knob_index(name)] = parse_knob_value(value, setting)
        vector_to_parameters(values.to(self.device), box.network.parameters())
        return box

    def create(self, config: Config, seed: int) -> Self:
        """A new box, its knobs at random."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return type(self)(config).to(self.device)

    def knob_index(self, name: str) -> int:
        """The number of a knob. Raises UserError, with the nearest name, when there is none."""
        names, name = knob_names(self.network), name.replace(" ", "")
        if name not in names:
            reject(f"There is no such knob. {suggest(name, names, cutoff=0)}", name)
        return names.index(name)

    def require_fit(self, data: Any) -> None:
        """Raise UserError when points are of another kind than those that the box is for."""
        expected, given = self.config.labels, data.classes
        if len(expected) != len(given) or (self.config.dataset == OWN_DATA and expected != given):
            reject(
                f"This box tells {', '.join(expected)} apart." if expected else "This box gives a number y for x.",
                given or ("x", "y"),
            )

    def load_points(self, table: Table | None) -> Splits:
        """The points of a user's table, or of the box's data set. Raises UserError when they do not fit."""
        splits = self.data(self.config) if table is None else read_table(table)
        self.require_fit(splits.train)
        return splits

    def mean_metrics(self, data: Any) -> dict[str, float]:
        """The means of ``evaluate``."""
        with torch.no_grad():
            return {key: float(value.mean()) for key, value in self.evaluate(data).items()}

    def gradient(self, batch: Batch) -> Tensor:
        """The derivative of the loss with respect to every knob (N,)."""
        with torch.enable_grad():
            gradients = torch.autograd.grad(self.loss(batch)["loss"], list(self.network.parameters()))
        return torch.cat([g.flatten() for g in gradients])

    def snapshot(self, splits: Splits) -> Snapshot:
        """The box on these points."""
        gradient = self.gradient(to_device(splits.train.tensors, self.device)).tolist()
        training, unseen = self.mean_metrics(splits.train), self.mean_metrics(splits.test)
        accuracy = f"    {100 * unseen['accuracy']:.1f} % right on unseen points" if "accuracy" in unseen else ""
        title = f"{self.config.knobs} knobs    loss {training['loss']:.3f}{accuracy}"
        rows = [(name, *values.values()) for name, values in (("training", training), ("unseen", unseen))]
        knobs = [(name, value, slope) for (name, value), slope in zip(self.knobs().items(), gradient, strict=True)]
        return Snapshot(
            draw_box(self.network, splits, title),
            Table(("points", *training), rows),
            Table(("knob", "value", "gradient"), knobs),
            Text(self.state()),
        )


def parse_knob_value(text: str, setting: str) -> float:
    """The number a knob is set to. Raises UserError."""
    try:
        value = float(text)
    except ValueError:
        raise UserError("A knob is set to a number.", received=setting) from None
    return (
        value
        if abs(value) <= MAX_KNOB_VALUE
        else reject(f"A knob is set to a number of at most {MAX_KNOB_VALUE:g}.", setting)
    )
