"""Captions of a scene by a small grammar: what there is, how many, of which colour, and where; in English and Hungarian.

A thing is named by its number, colour and kind: ``two red apples``, ``két piros alma``. After a numeral a Hungarian noun
stays singular; ``to the left of it`` takes its ablative: ``almától balra``.
"""

from __future__ import annotations

from dataclasses import dataclass

from potmeter.data.sets.scene_kinds import COLOURS, Kind

LANGUAGES = ("en", "hu")
NUMERALS = {"en": ("", "a", "two", "three"), "hu": ("", "egy", "két", "három")}


@dataclass(frozen=True)
class Thing:
    """One or several of a kind."""

    kind: Kind
    count: int = 1
    colour: str | None = None
    """An English word of ``COLOURS``."""

    def english(self) -> str:
        """``a lion``, ``an apple``, ``two red apples``."""
        noun = self.kind.english if self.count == 1 else self.kind.plural
        words = f"{self.colour} {noun}" if self.colour else noun
        article = "an" if self.count == 1 and words[0] in "aeiou" else NUMERALS["en"][self.count]
        return f"{article} {words}"

    def hungarian(self, noun: str | None = None) -> str:
        """``egy oroszlán``, ``két piros alma``; ``noun`` is another case of the kind's."""
        colour = f"{COLOURS[self.colour]} " if self.colour else ""
        return f"{NUMERALS['hu'][self.count]} {colour}{noun or self.kind.hungarian}"

    def forms(self, language: str) -> tuple[str, ...]:
        """The words by which a caption names it, with the colour where that is half of what it is: of a drawn shape."""
        colour = self.colour if language == "en" else COLOURS.get(self.colour or "")
        forms = self.kind.forms(language)
        return forms if self.kind.groups or colour is None else tuple(f"{colour} {form}" for form in forms)


TEMPLATES = {
    "en": {
        "single": (
            "there {is} {a} in the picture", "the picture shows {a}", "a picture of {a}", "{a} and nothing else",
            "here {is} {a}",
        ),
        "beside": (
            "{a} to the left of {b}", "{b} to the right of {a}", "{a} and {b}", "{a} on the left and {b} on the right",
            "there {is} {a} to the left of {b}",
        ),
        "above": (
            "{a} above {b}", "{b} below {a}", "{a} and {b}", "{a} at the top and {b} at the bottom",
            "there {is} {a} above {b}",
        ),
        "behind": (
            "{a} behind {b}", "{b} in front of {a}", "{b} and {a}", "the picture shows {b} in front of {a}",
            "there {is} {a} behind {b}",
        ),
        "row": (
            "{b} between {a} and {c}", "{a} , {b} and {c}", "there is {b} between {a} and {c}",
            "{a} on the left , {b} in the middle and {c} on the right", "the picture shows {a} , {b} and {c}",
        ),
    },
    "hu": {
        "single": (
            "a képen {a} látható", "ezen a képen {a} van", "ez {a}", "{a} és semmi más", "itt {a} van",
        ),
        "beside": (
            "{a} {b_from} balra", "{b} {a_from} jobbra", "{a} és {b}", "a bal oldalon {a} , a jobb oldalon {b} van",
            "a képen {a} és {b} látható",
        ),
        "above": (
            "{a} {b} fölött", "{b} {a} alatt", "{a} és {b}", "fent {a} , lent {b}", "{b} fölött {a} van",
        ),
        "behind": (
            "{a} {b} mögött", "{b} {a} előtt", "{b} és {a}", "{b} mögött {a} van", "a képen {b} látható {a} előtt",
        ),
        "row": (
            "{b} {a} és {c} között", "{a} , {b} és {c}", "{a} és {c} között {b} van",
            "balra {a} , középen {b} , jobbra {c}", "a képen {a} , {b} és {c} látható",
        ),
    },
}  # fmt: skip
"""By language and layout. Of two things ``a`` is the left, upper or hinder one; of three they stand from left to right."""


def write_captions(layout: str, things: tuple[Thing, ...]) -> dict[str, tuple[str, ...]]:
    """The captions of a scene by language.

    Example:
        >>> from potmeter.data.sets.scene_kinds import KINDS
        >>> lion, apple = (next(kind for kind in KINDS if kind.english == name) for name in ("lion", "apple"))
        >>> captions = write_captions("beside", (Thing(lion), Thing(apple, 2, "red")))
        >>> captions["en"][0], captions["hu"][0]
        ('a lion to the left of two red apples', 'egy oroszlán két piros almától balra')
    """
    named = dict(zip("abc", things, strict=False))
    english = {name: thing.english() for name, thing in named.items()}
    hungarian = {name: thing.hungarian() for name, thing in named.items()}
    hungarian |= {f"{name}_from": thing.hungarian(thing.kind.ablative) for name, thing in named.items()}
    english["is"] = "is" if things[0].count == 1 else "are"
    return {
        "en": tuple(template.format(**english) for template in TEMPLATES["en"][layout]),
        "hu": tuple(template.format(**hungarian) for template in TEMPLATES["hu"][layout]),
    }
