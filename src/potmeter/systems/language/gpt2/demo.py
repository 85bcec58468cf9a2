"""Write, and watch what surprises the model and what it expects next; or let it go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from potmeter.core.demo import Words
from potmeter.media import Bars, Image

from .examples import examples
from .pictures import readable, surprise_picture
from .system import GPT2

MOST, ADDED, EXPECTED, WIDTH = 2000, 80, 8, 520
"""Characters of the text; tokens that are added at most; likeliest next tokens that are shown; pixels of the picture."""


@dataclass(frozen=True)
class Read:
    """What the model makes of a text."""

    surprisal: Image
    """Every token coloured by how much it surprised the model."""
    next: Bars
    """The likeliest tokens to come, with their probabilities."""


def demo(system: GPT2) -> Words:
    """A sheet to write on, coloured while one writes."""

    def show(text: str) -> Read:
        chances = system.next_token_probs(text)
        values, numbers = chances.topk(min(EXPECTED, len(chances)))
        likely: dict[str, float] = {}
        for value, number in zip(values.tolist(), numbers.tolist(), strict=True):
            shown = legible(system.vocabulary[number])
            likely[shown] = likely.get(shown, 0.0) + value
        tokens, bits = system.tokenize(text), system.surprisal(text)
        return Read(surprise_picture(readable(tokens, bits.tolist()), WIDTH), Bars(likely))

    def go_on(text: str) -> Iterator[tuple[str, Read]]:
        for longer in system.run(text, tokens=ADDED):
            if len(longer.text) > MOST:
                return
            yield longer.text, show(longer.text)

    inputs = examples(system.config.dataset)[0].inputs
    return Words(
        title="write",
        help="Write or change the text. Orange words are those that the model did not expect, given the ones before; the bars "
        "are what it expects next. “Go on” lets it write, until it is stopped.",
        start=str(inputs.get("prompt", "It was a truth")), max_length=MOST, show=show, actions={"Go on": go_on},
    )  # fmt: skip


def legible(token: bytes) -> str:
    """A token with its spaces and line ends made visible."""
    text = token.decode("utf-8", "replace").replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥")
    return text or "end of text"
