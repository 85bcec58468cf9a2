"""What each of the segmenter's weights is worth being tried on; none of it was trained on."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.data.sets.shapes import shapes
from potmeter.media import Image


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "avatars":
        return [
            Example("Hair or not hair: a style that was not trained on", image=sample("drawn-4")),
            Example("Another such style", image=sample("drawn-3")),
            Example("The same in another hair colour", task="recolour", image=sample("drawn-4"), colour="teal"),
            Example("A generated photograph: nothing like it was trained on", image=sample("person-8")),
            Example("Her hair in purple", task="recolour", image=sample("person-9"), colour="purple", lightness=20.0),
            Example("Cut out of the background", task="cutout", image=sample("person-1")),
            Example(
                "A photograph with a motley background, where drawings teach too little", image=sample("astronaut")
            ),
        ]
    if dataset != "shapes":
        return []  # of a user's own data
    test = shapes().test
    return [
        Example(f"Test picture {n}: discs among squares", image=Image.from_tensor(test[n]["image"])) for n in (0, 3)
    ]
