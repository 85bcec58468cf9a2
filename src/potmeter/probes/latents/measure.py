"""How well vectors work: what they change in drawn faces, measured under a planted correlation."""

from __future__ import annotations

from typing import Any, Literal

from potmeter.errors import reject

from .judges import judge_of, words
from .labelled import data_of, drawn, encoded, quick
from .library import COUNT, DRAWN
from .planted import effects
from .space import Pixels, Space

PLANTED = ("smiling", "feminine styling", ("smile", "styling"))
"""The attribute whose vectors are measured, the one that is made to correlate with it, and what figures call them."""
PARTS: tuple[Literal["train"], Literal["test"]] = ("train", "test")


def judge_of_faces(model: Any) -> Any:
    """The classifier that judges, trained apart from every generator. Raises UserError for one that sees no faces."""
    judge, wanted = judge_of(model), PLANTED[:2]
    seen = words(judge.classes)
    if not seen.keys() >= set(wanted):
        reject(f"Measured are changes of faces, {' and '.join(wanted)}; the judge sees others.", ", ".join(seen))
    return judge


def of_codes(space: Space, judge: Any) -> dict[str, float]:
    """``effects`` on codes of a generator: of pictures where it encodes quickly, else drawn and labelled by the judge."""
    if quick(space.model):
        splits = data_of(space, None)
        train, test = (encoded(space, splits, part, COUNT) for part in PARTS)
    else:
        train, test = (drawn(space, judge, DRAWN, seed) for seed in (0, 1))
    return effects(space, judge, train, test, *PLANTED)


def of_pixels(space: Space, judge: Any) -> dict[str, float]:
    """The same on the pixels of the pictures that the generator was trained on."""
    splits, pixels = data_of(space, None), Pixels(space.shape)
    train, test = (encoded(pixels, splits, part, DRAWN) for part in PARTS)
    return {f"pixels_{name}": value for name, value in effects(pixels, judge, train, test, *PLANTED).items()}
