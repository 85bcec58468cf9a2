"""Examples of densepose, for each of its weights; none of them was trained on."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.data.sets.bodies import walking_person
from potmeter.data.sets.mannequins import mannequins
from potmeter.media import Image

SIDE = 900
"""Longer side in pixels of photographs."""


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "bodies":
        return [
            Example("A body, a pose and a place that were not trained on", image=sample("bodies-9")),
            Example("A generated photograph, of nobody", image=sample("outdoors-7").resize(SIDE)),
            Example("In checks", task="dress", image=sample("outdoors-5").resize(SIDE)),
            Example("A pattern moves with a body", task="film", video=walking_person(), skin=True),
            Example("The texture lifted off a person", task="atlas", image=sample("bodies-12")),
            Example("A portrait: more of a face than was trained on", image=sample("person-1").resize(SIDE)),
            Example("A photograph: a person in a space suit is overlooked", image=sample("astronaut")),
            Example("Nobody is there: a cup is taken for a person", image=sample("coffee")),
        ]
    if dataset != "mannequins":
        return []  # of a user's own data
    test = mannequins().test
    return [Example(f"Test picture {n}: mannequins", image=Image.from_tensor(test[n]["image"])) for n in (0, 3)]
