"""How well vectors work: what they change in drawn faces, measured under a planted correlation."""

from __future__ import annotations

from typing import Any, Literal

from potmeter.errors import reject

from .judges import attribute_words, load_judge
from .labelled import encode_labelled, encodes_quickly, load_labelled, sample_labelled
from .library import COUNT, DRAWN
from .planted import measure_effects
from .space import Pixels, Space

PLANTED = ("smiling", "feminine styling", ("smile", "styling"))
"""The attribute whose vectors are measured, the one that is made to correlate with it, and what figures call them."""
PARTS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


def judge_of_faces(model: Any) -> Any:
    """The classifier that judges, trained apart from every generator. Raises UserError for one that sees no faces."""
    judge, wanted = load_judge(model), PLANTED[:2]
    seen = attribute_words(judge.classes)
    if not seen.keys() >= set(wanted):
        reject(f"Measured are changes of faces, {' and '.join(wanted)}; the judge sees others.", ", ".join(seen))
    return judge


def measure_codes(space: Space, judge: Any) -> dict[str, float]:
    """``measure_effects`` on codes: of pictures where the generator encodes quickly, else sampled and labelled by the judge."""
    if encodes_quickly(space.model):
        splits = load_labelled(space, None)
        train, test = (encode_labelled(space, splits, part, COUNT) for part in PARTS)
    else:
        train, test = (sample_labelled(space, judge, DRAWN, seed) for seed in (0, 1))
    return measure_effects(space, judge, train, test, *PLANTED)


def measure_pixels(space: Space, judge: Any) -> dict[str, float]:
    """The same on the pixels of the pictures that the generator was trained on."""
    splits, pixels = load_labelled(space, None), Pixels(space.shape)
    train, test = (encode_labelled(pixels, splits, part, DRAWN) for part in PARTS)
    return {f"pixels_{name}": value for name, value in measure_effects(pixels, judge, train, test, *PLANTED).items()}
