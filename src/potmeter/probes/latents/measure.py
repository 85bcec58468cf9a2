"""How well vectors work: what they change in drawn faces, measured under a planted correlation."""

from __future__ import annotations

from typing import Any, Literal

from potmeter.errors import reject

from .attribute_classifier import attribute_words, load_attribute_classifier
from .labelled_codes import encode_labelled, encodes_quickly, load_labelled, sample_labelled
from .library import MAX_ENCODED, NUM_SAMPLED
from .planted_correlation import measure_effects
from .space import Pixels, Space

PLANTED = ("smiling", "feminine styling", ("smile", "styling"))
"""The attribute whose vectors are measured, the one that is made to correlate with it, and what figures call them."""
PARTS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


def load_face_classifier(model: Any) -> Any:
    """The classifier that says what changed, trained apart from every generator. Raises UserError if it knows no faces."""
    classifier, wanted = load_attribute_classifier(model), PLANTED[:2]
    seen = attribute_words(classifier.classes)
    if not seen.keys() >= set(wanted):
        reject(f"Measured are changes of faces, {' and '.join(wanted)}; the classifier sees others.", ", ".join(seen))
    return classifier


def measure_codes(space: Space, classifier: Any) -> dict[str, float]:
    """``measure_effects`` on codes: of pictures where the generator encodes quickly, else sampled and labelled."""
    if encodes_quickly(space.model):
        splits = load_labelled(space, None)
        train, test = (encode_labelled(space, splits, part, MAX_ENCODED) for part in PARTS)
    else:
        train, test = (sample_labelled(space, classifier, NUM_SAMPLED, seed) for seed in (0, 1))
    return measure_effects(space, classifier, train, test, *PLANTED)


def measure_pixels(space: Space, classifier: Any) -> dict[str, float]:
    """The same on the pixels of the pictures that the generator was trained on."""
    splits, pixels = load_labelled(space, None), Pixels(space.shape)
    train, test = (encode_labelled(pixels, splits, part, NUM_SAMPLED) for part in PARTS)
    return {
        f"pixels_{name}": value for name, value in measure_effects(pixels, classifier, train, test, *PLANTED).items()
    }
