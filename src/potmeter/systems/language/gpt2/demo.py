"""Write, and see what surprises the model and which tokens it expects next; or let it continue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from potmeter.core.demo import Words
from potmeter.media import Bars, Image, Result

from .examples import examples
from .scoring import merge_partial_characters
from .surprisal_picture import draw_surprisal
from .system import GPT2

MAX_CHARACTERS, MAX_NEW_TOKENS, CANDIDATES, WIDTH = 2000, 80, 8, 520
"""Characters of the text; tokens that "Go on" adds; likeliest next tokens that are shown; pixels of the picture's width."""


@dataclass(frozen=True)
class Reading(Result):
    """What the model makes of a text."""

    surprisal: Image
    """Every token coloured by how little the model expected it."""
    next: Bars
    """The likeliest next tokens, with their probabilities."""


def demo(system: GPT2) -> Words:
    """A text field, coloured while one writes."""

    def show(text: str) -> Reading:
        probabilities = system.next_token_probs(text)
        values, ids = probabilities.topk(min(CANDIDATES, len(probabilities)))
        likely: dict[str, float] = {}
        for value, token in zip(values.tolist(), ids.tolist(), strict=True):
            shown = make_legible(system.vocabulary[token])
            likely[shown] = likely.get(shown, 0.0) + value
        spans = merge_partial_characters(system.tokenize(text), system.surprisal(text).tolist())
        return Reading(draw_surprisal(spans, WIDTH), Bars(likely))

    def go_on(text: str) -> Iterator[tuple[str, Reading]]:
        growing: Any = system.run(text, tokens=MAX_NEW_TOKENS, stream=True)
        for longer in growing:
            if len(longer.text) > MAX_CHARACTERS:
                return
            yield longer.text, show(longer.text)

    prompt = examples(system.config.dataset)[0].inputs.get("prompt", "It was a truth")
    return Words(
        title="write",
        help="Write or change the text. Orange words are those that the model did not expect, given the ones before; the bars "
        "are what it expects next. “Go on” lets it write, until it is stopped.",
        start=str(prompt), max_length=MAX_CHARACTERS, show=show, actions={"Go on": go_on},
    )  # fmt: skip


def make_legible(token: bytes) -> str:
    """A token with its spaces and line ends made visible."""
    text = token.decode("utf-8", "replace").replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥")
    return text or "end of text"
