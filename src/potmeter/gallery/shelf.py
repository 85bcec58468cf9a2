"""The models in use: loaded when first asked for, shared by all users, the longest unused put away."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from potmeter import registry
from potmeter.core.loading import load
from potmeter.errors import reject

MOST = 8
"""Models kept loaded."""


class Shelf:
    """Systems with their weights, and probes with the model they work on, by name."""

    def __init__(self, most: int = MOST) -> None:
        self.most, self.lock, self.making = most, threading.Lock(), threading.Lock()
        self.things: OrderedDict[str, Any] = OrderedDict()
        self.made: dict[str, Any] = {}

    def take(self, entry: registry.Entry, weights: str | None) -> Any:
        """The thing that runs: of a system the tag of its weights is given, of a probe the name of a model."""
        check(entry, weights)
        key = key_of(entry, weights)
        with self.lock:  # one load at a time: two of the same would be one too many
            if key not in self.things:
                self.things[key] = load(entry.folder or entry.name, weights)
                while len(self.things) > self.most:
                    self.made.pop(self.things.popitem(last=False)[0], None)
                    gc.collect()  # modules and their hooks refer to each other in circles
            self.things.move_to_end(key)
            return self.things[key]

    def beside(self, entry: registry.Entry, weights: str | None, make: Callable[[registry.Entry, Any], Any]) -> Any:
        """Something made of a loaded thing, kept as long as that is."""
        thing, key = self.take(entry, weights), key_of(entry, weights)
        with self.making:
            if key not in self.made:
                self.made[key] = make(entry, thing)
            return self.made[key]


def key_of(entry: registry.Entry, weights: str | None) -> str:
    """What names a loaded thing; jobs on the same one run one after the other."""
    return f"{entry.name} {weights or ''}"


def check(entry: registry.Entry, weights: str | None) -> None:
    """Refuse weights, or a model, that are not among those to choose from: no page names a folder or a hub."""
    known = choices(entry)
    if weights not in known and (weights or known):
        reject(f"{'weights' if entry.kind == 'system' else 'the model'} is one of {', '.join(known)}.", weights)


def choices(entry: registry.Entry) -> list[str]:
    """The weights to choose from; for a probe, the models in the catalogue that have what it needs, its own first."""
    if entry.kind == "system":
        return list(entry.weights)
    needs = set(entry.capabilities)
    able = [e for e in registry.entries().values() if e.kind == "system" and needs <= set(e.capabilities)]
    names = [f"{e.name}.{tag}" for e in able for tag in e.weights]
    usual = entry.load().default
    reference = registry.resolve(usual) if not usual.startswith(("torchvision:", "timm:")) else None
    if reference and not reference.tag and reference.entry.weights:
        usual = f"{usual}.{reference.entry.weights[0]}"
    return [usual, *(name for name in names if name != usual)]
