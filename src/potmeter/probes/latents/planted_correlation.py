"""A correlation planted into the pictures: does a vector take the other attribute along?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .attribute_classifier import attribute_words, predict_attributes
from .labelled_codes import LabelledCodes
from .space import Pixels, Space
from .vectors import attribute_direction

AGREEMENT = 0.9
"""Share of the pictures in which both attributes are alike, where a correlation is planted."""
COEFFICIENT = 2.0
"""What a vector is multiplied by when its effect is measured: the end of the slider."""


def correlated_subset(has: Tensor, other: Tensor, seed: int = 0, agreement: float = AGREEMENT) -> Tensor:
    """Places (M,) of a subset in which two attributes (N,) agree in this share: all that agree, and few of the others."""
    alike = has == other
    agree, differ = alike.nonzero()[:, 0], (~alike).nonzero()[:, 0]
    rng = torch.Generator().manual_seed(seed)
    kept = round(len(agree) * (1 - agreement) / agreement)
    some = differ[torch.randperm(len(differ), generator=rng)[:kept].to(differ.device)]
    return torch.cat([agree, some]).sort().values


def measure_effects(
    space: Space | Pixels,
    classifier: Any,
    train: LabelledCodes,
    test: LabelledCodes,
    attribute: str,
    other: str,
    short: tuple[str, str],
) -> dict[str, float]:
    """What the biased and the balanced vector of a correlated training set do to codes that took no part in it.

    Each test code is moved along the vector if it has not the attribute and against it if it has. Counted are codes whose
    own picture the classifier sees as it should be; of these, in how many the classifier then sees the attribute, and the other
    attribute, changed.

    Args:
        space: Where the codes lie.
        classifier: A classifier that took no part in making it.
        train, test: Codes with labels.
        attribute: The attribute whose vectors are measured.
        other: The one that is made to correlate with it.
        short: What the two are called in the figures.

    Returns:
        ``biased_…_flip``, ``biased_…_change``, ``balanced_…_flip``, ``balanced_…_change``; ``…_added`` and ``…_removed``,
        the flips of those without and of those with the attribute; ``seen_…``, the share of test codes whose picture shows
        the attribute as it should.
    """
    some = train.select(correlated_subset(train.has(attribute), train.has(other)))
    names = tuple(attribute_words(classifier.classes))
    has, sign = test.has(attribute), torch.where(test.has(attribute), -1.0, 1.0)[:, None]
    before = predict_attributes(classifier, space.decode(test.codes))
    right = before[:, names.index(attribute)] == has
    figures = {f"seen_{short[0]}": float(right.float().mean())}
    for kind, balance in (("biased", None), ("balanced", some.has(other))):
        step = COEFFICIENT * attribute_direction(some.codes, some.has(attribute), balance)
        after = predict_attributes(classifier, space.decode(test.codes + sign * step))
        flipped, changed = ((after != before)[:, names.index(name)].float() for name in (attribute, other))
        figures[f"{kind}_{short[0]}_flip"] = float(flipped[right].mean())
        figures[f"{kind}_{short[1]}_change"] = float(changed[right].mean())
        figures[f"{kind}_{short[0]}_added"] = float(flipped[right & ~has].mean())
        figures[f"{kind}_{short[0]}_removed"] = float(flipped[right & has].mean())
    return figures
