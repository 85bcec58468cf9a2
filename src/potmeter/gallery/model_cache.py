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

MAX_MODELS = 8
"""Models kept loaded."""


class ModelCache:
    """Systems with their weights, and probes with the model they work on, by name."""

    def __init__(self, most: int = MAX_MODELS) -> None:
        self.most, self.lock, self.deriving = most, threading.Lock(), threading.RLock()
        self.models: OrderedDict[str, Any] = OrderedDict()
        self.derived: dict[str, dict[str, Any]] = {}

    def get(self, entry: registry.Entry, weights: str | None) -> Any:
        """The system or probe, loaded: of a system the tag of its weights is given, of a probe the name of a model."""
        check_weights(entry, weights)
        key = model_key(entry, weights)
        with self.lock:  # one load at a time: two of the same would be one too many
            if key not in self.models:
                self.models[key] = load(entry.word, weights)
                while len(self.models) > self.most:
                    self.derived.pop(self.models.popitem(last=False)[0], None)
                    gc.collect()  # modules and their hooks refer to each other in circles
            self.models.move_to_end(key)
            return self.models[key]

    def derive(
        self, entry: registry.Entry, weights: str | None, name: str, make: Callable[[registry.Entry, Any], Any]
    ) -> Any:
        """Something made of a loaded model, by its name, kept as long as that is."""
        model = self.get(entry, weights)
        with self.deriving:
            made = self.derived.setdefault(model_key(entry, weights), {})
            if name not in made:
                made[name] = make(entry, model)
            return made[name]

    def is_ready(self, entry: registry.Entry, weights: str | None) -> bool:
        """Whether the page of these weights can be filled in at once: they are loaded, and their examples known."""
        return "examples" in self.derived.get(model_key(entry, weights), {})


def model_key(entry: registry.Entry, weights: str | None) -> str:
    """The key of a loaded model; jobs on the same one run one after the other."""
    return f"{entry.name} {weights or ''}"


def check_weights(entry: registry.Entry, weights: str | None) -> None:
    """Refuse weights, or a model, that are not among those to choose from: no page names a folder or a hub."""
    known = weight_choices(entry)
    if weights not in known and (weights or known):
        reject(f"{'weights' if entry.kind == 'system' else 'the model'} is one of {', '.join(known)}.", weights)


def weight_choices(entry: registry.Entry) -> list[str]:
    """The weights to choose from; for a probe, the models in the catalogue that have what it needs, its own first."""
    if entry.kind == "system":
        return list(entry.weights)
    needs = set(entry.needs)
    able = [e for e in registry.entries().values() if e.kind == "system" and needs <= set(e.capabilities)]
    names = [f"{e.name}.{tag}" for e in able for tag in e.weights]
    usual = entry.load().default
    reference = registry.resolve(usual) if not usual.startswith(("torchvision:", "timm:")) else None
    if reference and not reference.tag and reference.entry.default_tag:
        usual = f"{usual}.{reference.entry.default_tag}"
    return [usual, *(name for name in names if name != usual)]
