"""Sentences worth drawing."""

from __future__ import annotations

from potmeter.core.system import Example


def examples() -> list[Example]:
    """The slide's sentence, colours that never came together in training, one word changed, and a way between two birds."""
    return [
        Example("The sentence of the slide", sentence="this bird is blue with white and has a very short beak", seed=1),
        Example("Another, and where it sits",
                sentence="a yellow bird with a black crown, white wings and a long beak on a branch", seed=2),
        Example("One word changed, and nothing else", task="words",
                sentence="this bird has a blue crown, grey wings and a white belly", word="blue",
                others="red, yellow, green, black", seed=3),
        Example("From one sentence to another", task="morph", seed=4),
    ]  # fmt: skip
