"""What GPT-2 is worth being tried on; none of it was trained on."""

from __future__ import annotations

from potmeter.core.system import Example

TRUTH = "It is a truth universally acknowledged, that a young lady in possession of a large umbrella,"
CHANGED = (
    "It is a sandwich universally acknowledged, that a single man in possession of a good wheelbarrow, "
    "must be in want of a wife."
)
PROMPTS = "The carriage stopped at\nMy dear Anne,\nHe had never danced\nTwenty thousand pounds"


def examples(dataset: str) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if dataset == "walks":
        return [
            Example("What stands in the harbour?", prompt="In the harbour", tokens=40, seed=0),
            Example("Which words tell the place?", task="score", text="In the garden there was a rose, and a ferry."),
        ]
    return [
        Example("A continuation, the first that came (seed 0), unedited", prompt=TRUTH, tokens=120, seed=0),
        Example("The same, and the best of ten (seeds 0 to 9), chosen by eye", prompt=TRUTH, tokens=120, seed=5),
        Example("Without a beginning: whatever it likes", prompt="", tokens=100, seed=0),
        Example("A famous sentence with two changes: where is it surprised?", task="score", text=CHANGED),
        Example("Four beginnings at once", task="batch", prompts=PROMPTS, tokens=24, seed=0),
    ]
