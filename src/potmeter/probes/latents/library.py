"""A generator's attribute vectors: from a file, from among the shipped ones, or made from labelled codes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from potmeter import registry
from potmeter.core.capabilities import Encoder
from potmeter.data.fetching.clients import announce
from potmeter.errors import reject

from . import vectors
from .attribute_classifier import load_attribute_classifier
from .labelled_codes import LabelledCodes, encode_labelled, encodes_quickly, fingerprint, load_labelled, sample_labelled
from .planted_correlation import correlated_subset
from .space import Space
from .vectors import Vector, attribute_direction

MAX_ENCODED, MAX_INVERTED, NUM_SAMPLED = 12_000, 200, 4000
"""Of what a vector is made: pictures that are encoded, at most, or inverted by search, at most; or codes that are sampled."""

PAIR_NAMES = ("{} biased by {}", "{} balanced by {}")
"""What vectors of codes with a planted correlation are called."""


def load_vector(path: str, model: Any) -> Vector:
    """A vector from a file, or the folder that it is in. Raises UserError for one of another network."""
    found, spaces = vectors.read_vector(path), model.latent_spaces
    if found.weights != fingerprint(model):
        reject("This vector is one of other weights, in whose space it means something else.", path)
    if found.space not in spaces:
        reject(f"This vector is of a space that there is not; there is {', '.join(spaces)}.", found.space)
    size = spaces[found.space]
    len(found.values) == size or reject(f"A vector of {found.space} has {size} numbers.", len(found.values))
    return found


class Library:
    """The attribute vectors of one latent space.

    Args:
        space: The space.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.model = space, space.model
        self.cache: dict[tuple[str | None, str | None], LabelledCodes] = {}

    def get(
        self, attribute: str, balance: str | None = None, method: str = "mean", data: str | None = None,
        classifier: str | None = None,
    ) -> Vector:  # fmt: skip
        """A vector from a file, a shipped one, or else one that is made now.

        Args:
            attribute: Its name; or a file of a vector, or the folder that it is in.
            balance: An attribute that shall not change along.
            method: ``mean`` or ``svm``.
            data: Labelled pictures; default: what the generator was trained on.
            classifier: What labels sampled pictures, where the generator cannot encode quickly; default: as
                ``load_attribute_classifier`` finds it.

        Raises:
            UserError: For a vector of other weights or another space, and for an attribute that is unknown, or that all
                have or none.
        """
        if vectors.is_vector_file(attribute):
            found, here = load_vector(attribute, self.model), self.space.name
            return found if found.space == here else reject(f"This vector is not one of {here}.", found.space)
        kept = self.shipped.get(attribute)
        if data is None and kept is not None and (kept.balance, kept.method) == (balance, method):
            return kept
        return self.make_vector(attribute, balance, method, data, classifier)

    def make_vector(
        self, attribute: str, balance: str | None = None, method: str = "mean", data: str | None = None,
        classifier: str | None = None,
    ) -> Vector:  # fmt: skip
        """A vector from labelled codes; arguments as of ``get``."""
        attribute != balance or reject("An attribute is not balanced against itself.", attribute)
        return self.vector(self.labelled_codes(data, classifier), attribute, balance, method)

    def planted_pair(
        self, attribute: str, other: str, data: str | None = None, classifier: str | None = None
    ) -> tuple[Vector, Vector]:
        """The biased and the balanced vector of codes in which an attribute is made to correlate with another."""
        kept = [self.shipped.get(name.format(attribute, other)) for name in PAIR_NAMES]
        if data is None and kept[0] is not None and kept[1] is not None:
            return kept[0], kept[1]
        attribute != other or reject("An attribute is not balanced against itself.", attribute)
        codes = self.labelled_codes(data, classifier)
        some = codes.select(correlated_subset(codes.has(attribute), codes.has(other)))
        biased, balanced = (self.vector(some, attribute, balance, "mean") for balance in (None, other))
        named = [name.format(attribute, other) for name in PAIR_NAMES]
        return replace(biased, attribute=named[0]), replace(balanced, attribute=named[1])

    def vector(self, codes: LabelledCodes, attribute: str, balance: str | None, method: str) -> Vector:
        """The vector of some labelled codes, with where it comes from."""
        other = None if balance is None else codes.has(balance)
        return Vector(
            attribute=attribute,
            values=tuple(attribute_direction(codes.codes, codes.has(attribute), other, method).tolist()),
            balance=balance,
            method=method,
            space=self.space.name,
            model=self.space.model_name,
            weights=fingerprint(self.model),
            source=codes.source,
            count=len(codes.codes),
        )

    @cached_property
    def shipped(self) -> dict[str, Vector]:
        """The vectors that come with the package for this space of these weights, by attribute."""
        found = [vectors.read_vector(file) for file in sorted(registry.WEIGHTS.glob("latents.*/*.json"))]
        mine = (fingerprint(self.model), self.space.name) if found else ()
        return {one.attribute: one for one in found if (one.weights, one.space) == mine}

    def labelled_codes(self, data: str | None, classifier: str | None) -> LabelledCodes:
        """Codes with labels; kept, since making them takes seconds."""
        if (data, classifier) not in self.cache:
            by_pictures = data is not None or encodes_quickly(self.model)
            made = (
                self.encoded_codes(data)
                if by_pictures
                else sample_labelled(self.space, load_attribute_classifier(self.model, classifier), NUM_SAMPLED)
            )
            self.cache[data, classifier] = made
        return self.cache[data, classifier]

    def encoded_codes(self, data: str | None) -> LabelledCodes:
        """The codes of labelled pictures: of few, and that is said, where each is searched for."""
        if not isinstance(self.model, Encoder):
            reject(f"{self.space.model_name} is no Encoder: it finds no codes of pictures; leave --data out.", data)
        splits = load_labelled(self.space, data)
        if encodes_quickly(self.model):
            return encode_labelled(self.space, splits, "train", MAX_ENCODED)
        few = f"{min(MAX_INVERTED, len(splits.train))} of {len(splits.train):,} pictures are used"
        announce(f"{self.space.model_name} searches for the code of each picture, which takes minutes; {few}.")
        return encode_labelled(self.space, splits, "train", MAX_INVERTED)
