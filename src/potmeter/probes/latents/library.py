"""A generator's attribute vectors: from a file, from among the shipped ones, or made from labelled codes."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from typing import Any

from potmeter import registry
from potmeter.core.load import load
from potmeter.errors import reject

from . import vectors
from .labelled import Labelled, data_of, drawn, encoded, fingerprint, quick
from .planted import correlated
from .vectors import Vector, direction

COUNT, DRAWN = 12_000, 4000
"""Most pictures, and how many drawn codes, that a vector is made of."""

NAMES = ("{} biased by {}", "{} balanced by {}")
"""What vectors of codes with a planted correlation are called."""


class Library:
    """The attribute vectors of one generator.

    Args:
        model: The generator.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.known: dict[tuple[str | None, str], Labelled] = {}

    def get(self, attribute: str, balance: str | None, method: str, data: str | None, judge: str) -> Vector:
        """A vector from a file, a shipped one, or else one that is made now.

        Args:
            attribute: Its name; or a file of a vector, or the folder that it is in.
            balance: An attribute that shall not change along.
            method: ``mean`` or ``svm``.
            data: Labelled pictures; default: what the generator was trained on.
            judge: Who labels drawn pictures, where the generator cannot encode quickly.

        Raises:
            UserError: For a vector of other weights, and for an attribute that is unknown, or that all have or none.
        """
        if attribute.endswith(".json") or os.path.isdir(attribute):
            found = vectors.read(attribute)
            fits = found.weights == fingerprint(self.model)
            fits or reject("This vector is one of other weights, in whose space it means something else.", attribute)
            return found
        kept = self.shipped.get(attribute)
        if data is None and kept is not None and (kept.balance, kept.method) == (balance, method):
            return kept
        return self.made(attribute, balance, method, data, judge)

    def made(self, attribute: str, balance: str | None, method: str, data: str | None, judge: str) -> Vector:
        """A vector from labelled codes; arguments as of ``get``."""
        attribute != balance or reject("An attribute is not balanced against itself.", attribute)
        return self.vector(self.labelled(data, judge), attribute, balance, method)

    def planted(self, attribute: str, other: str, data: str | None, judge: str) -> tuple[Vector, Vector]:
        """The biased and the balanced vector of codes in which an attribute is made to correlate with another."""
        kept = [self.shipped.get(name.format(attribute, other)) for name in NAMES]
        if data is None and kept[0] is not None and kept[1] is not None:
            return kept[0], kept[1]
        attribute != other or reject("An attribute is not balanced against itself.", attribute)
        known = self.labelled(data, judge)
        some = known.select(correlated(known.has(attribute), known.has(other)))
        biased, balanced = (self.vector(some, attribute, balance, "mean") for balance in (None, other))
        named = [name.format(attribute, other) for name in NAMES]
        return replace(biased, attribute=named[0]), replace(balanced, attribute=named[1])

    def vector(self, known: Labelled, attribute: str, balance: str | None, method: str) -> Vector:
        """The vector of some labelled codes, with what must be known of it."""
        other = None if balance is None else known.has(balance)
        return Vector(
            attribute=attribute,
            values=tuple(direction(known.codes, known.has(attribute), other, method).tolist()),
            balance=balance,
            method=method,
            space=next(iter(self.model.latent_spaces)),
            model=getattr(self.model, "name", type(self.model).__name__),
            weights=fingerprint(self.model),
            source=known.source,
            count=len(known.codes),
        )

    @cached_property
    def shipped(self) -> dict[str, Vector]:
        """The vectors that come with the package for these weights, by attribute."""
        found = [vectors.read(file) for file in sorted(registry.WEIGHTS.glob("latents.*/*.json"))]
        mine = fingerprint(self.model) if found else ""
        return {one.attribute: one for one in found if one.weights == mine}

    def labelled(self, data: str | None, judge: str) -> Labelled:
        """Codes with labels; kept, since making them takes seconds."""
        if (data, judge) not in self.known:
            if data is not None or quick(self.model):
                self.known[data, judge] = encoded(self.model, data_of(self.model, data), "train", COUNT)
            else:
                self.known[data, judge] = drawn(self.model, load(judge), DRAWN)
        return self.known[data, judge]
