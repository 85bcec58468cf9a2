"""The front of the box: its knobs by name, set and read out, and the state that holds them all."""

from __future__ import annotations

import difflib
from typing import Any, Self

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from potmeter.core.system import System
from potmeter.data.batches import Batch
from potmeter.data.splits import OWN_DATA, Splits
from potmeter.errors import UserError, reject
from potmeter.media import Table, Text

from .datasets import from_table
from .model import REACH, Config, Network, knob_names
from .pictures import draw
from .results import Look
from .state import decode, encode


class Panel(System):
    """A system with a ``network`` of named knobs; nothing here changes it, boxes are copied."""

    network: Network

    def knobs(self) -> dict[str, float]:
        """Every knob's name and value."""
        return dict(
            zip(knob_names(self.network), parameters_to_vector(self.network.parameters()).tolist(), strict=True)
        )

    def state(self) -> str:
        """The whole box, Config and knobs, as a short text that brings it back to the bit."""
        return encode(self.config, parameters_to_vector(self.network.parameters()))

    def box(self, state: str = "", knobs: tuple[str, ...] = ()) -> Self:
        """A copy of this box, or the one of a state, with some knobs set: ``("layer1.weight[0,1]=0.5", …)``."""
        values = parameters_to_vector(self.network.parameters()).detach().clone()
        config, values = decode(state) if state else (self.config, values)
        box = self.made(config, 0)
        for setting in knobs:
            name, equals, value = setting.rpartition("=")
            equals or reject("A knob is set as NAME=VALUE, for example layer1.weight[0,1]=0.5.", setting)
            values[box.place(name)] = knob_value(value, setting)
        vector_to_parameters(values.to(self.device), box.network.parameters())
        return box

    def made(self, config: Config, seed: int) -> Self:
        """A new box, its knobs turned at random."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return type(self)(config).to(self.device)

    def place(self, name: str) -> int:
        """The number of a knob. Raises UserError, with the nearest name, when there is none."""
        names, name = knob_names(self.network), name.replace(" ", "")
        near = difflib.get_close_matches(name, names, 1, cutoff=0)[0]
        return names.index(name) if name in names else reject(f"There is no such knob. Did you mean {near}?", name)

    def check_fit(self, data: Any) -> None:
        """Raise UserError when the points are of another kind than the box."""
        known, given = self.config.labels, data.classes
        if len(known) != len(given) or (self.config.dataset == OWN_DATA and known != given):
            reject(
                f"This box tells {', '.join(known)} apart." if known else "This box gives a number y for x.",
                given or ("x", "y"),
            )

    def points(self, table: Table | None) -> Splits:
        """The points of a user's table, or of the box's data set. Raises UserError when they do not fit."""
        splits = self.data(self.config) if table is None else from_table(table)
        self.check_fit(splits.train)
        return splits

    def measure(self, data: Any) -> dict[str, float]:
        """The means of ``evaluate``."""
        with torch.no_grad():
            return {key: float(value.mean()) for key, value in self.evaluate(data).items()}

    def slopes(self, batch: Batch) -> Tensor:
        """The derivative of the loss along every knob (N,)."""
        with torch.enable_grad():
            gradients = torch.autograd.grad(self.loss(batch)["loss"], list(self.network.parameters()))
        return torch.cat([g.flatten() for g in gradients])

    def look(self, splits: Splits) -> Look:
        """The box on these points."""
        batch = {key: value.to(self.device) for key, value in splits.train.tensors.items()}
        slopes = self.slopes(batch).tolist()
        seen, unseen = self.measure(splits.train), self.measure(splits.test)
        told = f"    {100 * unseen['accuracy']:.1f} % right on unseen points" if "accuracy" in unseen else ""
        title = f"{self.config.knobs} knobs    loss {seen['loss']:.3f}{told}"
        rows = [(name, *values.values()) for name, values in (("training", seen), ("unseen", unseen))]
        knobs = [(name, value, slope) for (name, value), slope in zip(self.knobs().items(), slopes, strict=True)]
        loss = Table(("points", *seen), rows)
        box: Any = self
        return Look(draw(box, splits, title), loss, Table(("knob", "value", "slope"), knobs), Text(self.state()))


def knob_value(text: str, setting: str) -> float:
    """The number a knob is set to. Raises UserError."""
    try:
        value = float(text)
    except ValueError:
        raise UserError("A knob is set to a number.", received=setting) from None
    return value if abs(value) <= REACH else reject(f"A knob is set to a number of at most {REACH:g}.", setting)
