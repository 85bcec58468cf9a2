"""What StyleGAN is worth being tried on; the pictures to be found are test pictures."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import one_of_each_digit, sample
from potmeter.data.sets.faces import COUNTS, renderer
from potmeter.media import Image

EXAMPLE_FACES = (0, 1, 2)
"""Test faces to be found, by their places: the first ones, whatever they are."""
EXAMPLE_PHOTOS = (0, 10, 20)
"""The same of photographs: the first ones of three people."""


def examples(dataset: str, size: int) -> list[Example]:
    """The examples of the weights that were trained on a data set with pictures of this height.

    The seed is the first that was tried. What the lecture shows comes first: styles mixed. The faces drawn from noise alone are
    not finished, and say so.
    """
    given = test_pictures(dataset, size)
    found = [Example("Test pictures, and the nearest ones that it can draw", task="project", images=given, steps=80)]
    mixes = (
        [Example("Two test pictures, found and mixed", task="mix", a=given[0], b=given[1], steps=80)] if given else []
    )
    drawn = {
        "faces": "Pictures of nobody: far from finished, eyes and mouths are not yet right",
        "orl": "Pictures of nobody",
    }
    return [
        Example("Source A (above) with coarse, middle and fine styles of source B (left)", task="grid", seed=1),
        Example(drawn.get(dataset, "Pictures nobody made"), seed=1),
        Example("Towards the mean picture, and beyond it to the opposite", task="truncation", seed=1),
        Example("Without noise, with noise, with other noise, and where it matters", task="noise_control", seed=1),
        *(found if given else []),
        *mixes,
        Example("A walk through W", task="walk", seed=1),
        *([Example("Made, and the nearest training pictures", task="nearest_training", seed=1)] if given else []),
    ]


def test_pictures(dataset: str, size: int) -> list[Image]:
    """Test pictures of a built-in data set; none of one that cannot be had here."""
    if dataset == "faces":
        draw = renderer(size)  # three faces are drawn, not all 15,000
        return [Image(draw(COUNTS["train"] + COUNTS["valid"] + i)) for i in EXAMPLE_FACES]
    if dataset == "orl":
        return [sample(f"orl-{i}") for i in EXAMPLE_PHOTOS]
    return one_of_each_digit("mnist" if dataset == "mnist" else "digit")[:3] if dataset in ("mnist", "digits") else []
