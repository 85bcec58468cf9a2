"""One call of a system as a user asked for it, from what the widgets sent to what came out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import torch

from potmeter import media
from potmeter.core.progress import reporter
from potmeter.core.signature import Parameter, call_streaming
from potmeter.gallery import limits
from potmeter.gallery.model_cache import ModelCache, check_weights, model_key, weight_choices
from potmeter.gallery.widgets import file_of, parse_payloads
from potmeter.registry import Entry

Render = Callable[[Any], Any]


class Call:
    """What is to be done; after it was done, with which values, and how long it took.

    Args:
        entry: The system or probe.
        task: ``run`` or one of its tasks, and
        declared: its inputs.
        weights: A tag; for a probe, the name of a model.
        payloads: What the widgets sent, in the order of the inputs.
        render: Makes of each result what is to be shown, still in the worker's thread.
    """

    def __init__(
        self,
        entry: Entry,
        task: str,
        declared: list[Parameter],
        weights: str | None,
        payloads: list[Any],
        render: Render,
    ) -> None:
        check_weights(entry, weights)
        self.entry, self.task, self.declared, self.weights = entry, task, declared, weights
        self.payloads, self.render = payloads, render
        self.key = model_key(entry, weights)
        self.values: dict[str, Any] = {}
        self.seconds = 0.0
        self.sound = 0.0
        """Seconds of the longest sound that came out."""

    @property
    def name(self) -> str:
        """As it is typed: ``vae.plane``."""
        return f"{self.entry.name}.{self.weights}" if self.weights and self.entry.kind == "system" else self.entry.name

    @property
    def model(self) -> str | None:
        """Of a probe, the model it works on, where it is not the usual one."""
        return self.weights if self.entry.kind == "probe" and self.weights != weight_choices(self.entry)[0] else None

    def __call__(self, models: ModelCache) -> Iterator[Any]:
        """Load what is needed, do it, and yield what came out: once, or as it grows."""
        report_stage(f"Loading {self.name}")
        thing = models.get(self.entry, self.weights)
        self.values = parse_payloads(self.declared, self.payloads)
        self.set_seed()
        report_stage("Working")
        started = time.perf_counter()
        result = call_streaming(getattr(thing, self.task), self.values)
        for part in result if isinstance(result, Iterator) else [result]:
            shown = self.render(part)  # the frames of a film are computed while it is shown
            self.seconds = time.perf_counter() - started
            self.sound = longest_sound(part)
            yield shown

    def set_seed(self) -> None:
        """A seed of the method's own that was left empty is drawn, so that the link brings the same back; else all is 0."""
        for p in self.declared:
            if p.name == "seed" and p.type is int and self.values.get("seed") is None and p.default in (None, MISSING):
                self.values["seed"] = random.SystemRandom().randrange(10_000)
        torch.manual_seed(0)

    def typed_values(self) -> dict[str, Any]:
        """The values as one would type them: uploaded files by the name they had, defaults left out."""
        typed = {}
        for p, payload in zip(self.declared, self.payloads, strict=True):
            if p.name in self.values and self.values[p.name] != p.default:
                typed[p.name] = self.values[p.name]
                if p.medium and isinstance(payload, dict) and p.type.__name__ != "Text":
                    typed[p.name] = Path(limits.resolve_upload(file_of(payload))[1])
        return typed


def longest_sound(value: Any) -> float:
    """Seconds of the longest sound in a result; 0 where there is none."""
    sounds = (one for one in media.parts(value).values() if isinstance(one, media.Audio))
    return max((sound.seconds for sound in sounds), default=0.0)


def report_stage(label: str) -> None:
    """Tell whoever watches what is going on; the place where a stopped call ends."""
    if report := reporter.get():
        report(label, 0, None)
