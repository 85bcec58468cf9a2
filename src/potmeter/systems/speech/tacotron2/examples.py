"""Texts worth hearing, none of which was trained on."""

from __future__ import annotations

from potmeter.core.system import Example

from .config import Config

TEXTS = {
    "en": [
        ("A sentence that nobody trained on", "The little kettle sings upon the stove."),
        ("Numbers, money and a date are read out", "On 5/6/1921 the 2nd boat cost $3.50."),
        ("One word", "Yes."),
        ("Several sentences are joined", "Who is there? It is only the wind. Come in, and close the door."),
    ],
    "ru": [("A sentence that nobody trained on", "Добрый день, как вы поживаете?")],
    "none": [("The language of chords", "abc fed."), ("One letter", "a.")],
}
"""Captions and texts by language."""


def examples(config: Config) -> list[Example]:
    """The examples of a language; of another one, none."""
    return [Example(caption, text=text) for caption, text in TEXTS.get(config.language.split("-")[0], [])]
