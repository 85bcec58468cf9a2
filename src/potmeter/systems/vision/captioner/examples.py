"""Pictures worth captioning; none was trained on."""

from __future__ import annotations

from potmeter.core.system import Example
from potmeter.data.samples import sample


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "drawn-scenes":
        from potmeter.data.sets.scenes import shape_scenes
        from potmeter.media import Image

        shapes = [Image.from_tensor(shape_scenes().test[number]["image"]) for number in (0, 1)]
        return [
            Example("Drawn shapes", image=shapes[0]),
            Example("Where it looked", task="attend", image=shapes[1]),
        ]
    if dataset != "scenes":
        return []
    return [
        Example("Where it looked for each word, in Hungarian", task="attend", image=sample("sheep"), language="hu"),
        Example("A photograph that nobody composed", image=sample("koala")),
        Example(
            "How well another caption fits", task="score", image=sample("koala"), text="there is a bear in the picture"
        ),
        Example("A test scene: photographs and a place that were not trained on", image=sample("scenes-0")),
        Example("Another, in Hungarian", image=sample("scenes-1"), language="hu"),
        Example("Where it looked in a test scene", task="attend", image=sample("scenes-0")),
        Example("An animal that it has no word for", image=sample("panda")),
    ]
