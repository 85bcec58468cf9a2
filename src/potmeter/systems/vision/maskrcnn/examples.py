"""What each of the detector's weights is worth being tried on; none of it was trained on."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.data.sets.drawn_objects import drawn_objects
from potmeter.media import Image


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "cutouts":
        return [
            Example(
                "Five things that were not trained on, before a place that was not either", image=sample("cutouts-10")
            ),
            Example("Four things, one partly before another", image=sample("cutouts-12")),
            Example("A real photograph: nothing is pasted", image=sample("sheep")),
            Example("Another", image=sample("koala")),
            Example("A class that it does not know, a crab", image=sample("crab")),
            Example("Cut out, everything but the place", task="cutout", image=sample("cutouts-10")),
            Example(
                "How many of each, in four scenes",
                task="count",
                images=[sample(f"cutouts-{n}") for n in (10, 11, 12, 13)],
            ),
        ]
    if dataset != "drawn-objects":
        return []  # of a user's own data
    test = drawn_objects().test
    return [
        Example(f"Test picture {n}: discs, triangles, crosses", image=Image.from_tensor(test[n]["image"]))
        for n in (0, 3)
    ]
