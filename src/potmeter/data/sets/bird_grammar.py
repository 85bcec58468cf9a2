"""Sentences about birds: many ways to say which colours, beak, tail and marks a bird has, and where it is.

``this bird is blue with white and has a very short beak`` says four things: back and wings are blue, the belly is white, and
the beak is short. Each sentence says some of what could be said, and comes with the facts that it states.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from potmeter.data.sets.bird_anatomy import Bird

Facts = dict[str, str]
"""What a sentence states: values by attributes."""

NOUNS = {
    "crown": ("crown", "cap", "crown"),
    "back": ("back", "back", "upper body"),
    "wing": ("wings", "wings", "wing feathers"),
    "belly": ("belly", "belly", "underside", "breast and belly"),
    "throat": ("throat", "throat", "chin"),
}
BEAKS = {
    "short": ("short", "very short", "small", "tiny", "stubby"),
    "medium": ("medium-sized", "medium length", "medium"),
    "long": ("long", "very long", "large", "lengthy"),
}
TAILS = {"short": ("a short tail", "a stubby tail", "a very short tail"), "long": ("a long tail", "a very long tail")}
BREASTS = {
    "streaked": ("a streaked breast", "dark streaks on its breast", "streaks on the breast"),
    "spotted": ("a spotted breast", "spots on its breast", "a speckled breast"),
}
RINGS = ("a white eye ring", "white eye rings", "a white ring around its eye")
BARS = ("two wing bars", "wing bars", "striped wings", "two bars on its wings")
CRESTS = ("a crest", "a crest on its head", "a crested head", "feathers that stand up on its head")
PLACES = {
    "branch": ("on a branch", "on a twig", "in a tree"),
    "grass": ("in the grass", "in a meadow", "on the grass"),
    "snow": ("in the snow", "on snow", "in winter"),
    "rock": ("on a rock", "on a rock by the sea", "by the sea"),
}
SITS = ("sits", "is sitting", "stands", "rests")
SUBJECTS = ("this bird", "this bird", "the bird", "a bird", "this little bird", "this is a bird that",
            "a picture of a bird that")  # fmt: skip
SHARES = {
    "beak_length": 0.5,
    "tail": 0.18,
    "pattern": 0.4,
    "eye_ring": 0.4,
    "wing_bars": 0.45,
    "crest": 0.4,
    "place": 0.3,
}
"""Probability that a sentence states an attribute that it could state."""


@dataclass
class Description:
    """A sentence, and what it states."""

    text: str = ""
    facts: Facts = field(default_factory=dict)


class Speaker:
    """Words about one bird, chosen at random, and what they have stated so far.

    Args:
        bird: Which.
        rng: Where the words come from.
    """

    def __init__(self, bird: Bird, rng: np.random.Generator) -> None:
        self.bird, self.rng, self.facts = bird, rng, Facts()

    def pick(self, among: tuple[str, ...]) -> str:
        """One of these, at random."""
        return among[self.rng.integers(len(among))]

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def state(self, *names: str) -> None:
        """Note that a sentence states these attributes."""
        for name in names:
            value = getattr(self.bird, name)
            self.facts[name] = ("no", "yes")[value] if isinstance(value, bool) else str(value)

    def colour(self, part: str) -> str:
        """The colour of a part."""
        self.state(part)
        return str(getattr(self.bird, part))

    def part(self, part: str) -> str:
        """A part with its colour: ``a red crown``, ``yellow wings``."""
        noun = self.pick(NOUNS[part])
        colour = self.colour(part)
        article = "" if noun.startswith("wing") else "an " if colour == "orange" else "a "
        return f"{article}{colour} {noun}"

    def predicate(self, part: str) -> str:
        """``its belly is white``."""
        noun = self.pick(NOUNS[part])
        return f"its {noun} {'are' if noun.startswith('wing') or ' and ' in noun else 'is'} {self.colour(part)}"

    def beak(self) -> str:
        """The beak's length, and perhaps its colour."""
        b = self.bird
        self.state("beak_length")
        words = [self.pick(BEAKS[b.beak_length])]
        if self.chance(0.5):
            self.state("beak_colour")
            words.append(b.beak_colour)
        return f"a {' '.join(words)} {self.pick(('beak', 'bill', 'beak'))}"

    def marks(self, limit: int) -> list[str]:
        """What else it has, at most so many."""
        b, said = self.bird, list[str]()
        options = [("beak_length", self.beak), ("tail", lambda: self.pick(TAILS[b.tail]))]
        options += [("pattern", lambda: self.pick(BREASTS[b.pattern]))] if b.pattern != "plain" else []
        options += [("eye_ring", lambda: self.pick(RINGS))] if b.eye_ring else []
        options += [("wing_bars", lambda: self.pick(BARS))] if b.wing_bars else []
        options += [("crest", lambda: self.pick(CRESTS))] if b.crest else []
        for number in self.rng.permutation(len(options)):
            name, say = options[number]
            if len(said) < limit and self.chance(SHARES[name]):
                self.state(name)
                said.append(say())
        return said

    def place(self) -> str:
        """Where it is."""
        self.state("place")
        return self.pick(PLACES[self.bird.place])

    def parts(self, count: int, *, among: tuple[str, ...] = ("crown", "back", "wing", "belly", "throat")) -> list[str]:
        """Some of its parts, of which back and belly come most often."""
        weights = np.array([{"back": 2.0, "belly": 2.0, "wing": 1.6}.get(part, 1.3) for part in among])
        chosen = self.rng.choice(len(among), min(count, len(among)), replace=False, p=weights / weights.sum())
        return [among[i] for i in chosen]


def enumerate_words(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def whole_colours(s: Speaker) -> str:
    """``is blue with white``: back and wings, and the belly; for a bird whose wings are as its back."""
    s.state("back", "wing", "belly")
    joint = s.pick((" with ", " and ", " with ", " above and {} below"))
    if "{}" in joint:
        return s.bird.back + joint.format(s.bird.belly)
    return s.bird.back + joint + s.bird.belly


def tell_whole(s: Speaker) -> str:
    """This bird is blue with white and has a very short beak."""
    text = f"{s.pick(SUBJECTS)} is {whole_colours(s)}"
    has = s.marks(2)
    if s.chance(0.5):
        has.insert(0, s.part(s.pick(("crown", "throat"))))
    text += f" and has {enumerate_words(has)}" if has else ""
    return text + (f" {s.place()}" if s.chance(SHARES["place"]) else "")


def tell_having(s: Speaker) -> str:
    """A bird has a red crown, yellow wings and a long beak."""
    has = [s.part(part) for part in s.parts(2 + s.chance(0.5))] + s.marks(2)
    text = f"{s.pick(SUBJECTS)} has {enumerate_words(has)}"
    return text + (f" and {s.pick(SITS)} {s.place()}" if s.chance(SHARES["place"]) else "")


def tell_noun(s: Speaker) -> str:
    """A green bird with a white belly and a short beak in the grass."""
    s.state("back")
    among = ("crown", "wing", "belly", "throat", "belly")
    has = [s.part(part) for part in dict.fromkeys(s.parts(2, among=among))] + s.marks(1)
    where = f" {s.place()}" if s.chance(SHARES["place"]) else ""
    size = s.pick(("", "", "small ", "little "))
    article = "an" if not size and s.bird.back == "orange" else "a"
    return f"{article} {size}{s.bird.back} bird with {enumerate_words(has)}{where}"


def tell_its(s: Speaker) -> str:
    """The bird has wing bars, its back is brown and its throat is red."""
    said = [s.predicate(part) for part in s.parts(2)]
    has = s.marks(2)
    if not has:
        return f"{enumerate_words(said)}".replace("its", "this bird's", 1)
    return f"{s.pick(('this bird', 'the bird', 'a bird'))} has {enumerate_words(has)}, {enumerate_words(said)}"


def tell_place(s: Speaker) -> str:
    """On a branch sits a bird with a blue back and a white belly."""
    has = [s.part(part) for part in s.parts(2)] + s.marks(1)
    return f"{s.place()} {s.pick(('sits', 'stands'))} a bird with {enumerate_words(has)}"


def tell_inverted(s: Speaker) -> str:
    """With a red crown and yellow wings this bird is in the snow: a phrasing for testing."""
    has = [s.part(part) for part in s.parts(2)]
    more = s.marks(1)
    return f"with {enumerate_words(has)}, this little bird is {s.place()}" + (f" and has {more[0]}" if more else "")


def tell_of(s: Speaker) -> str:
    """The wings of this bird are blue and its belly is white: a phrasing for testing."""
    first, *others = s.parts(3)
    noun = NOUNS[first][0]
    text = f"the {noun} of this bird {'are' if noun == 'wings' else 'is'} {s.colour(first)}, "
    text += enumerate_words([s.predicate(part) for part in others])
    more = s.marks(1)
    return text + (f", with {more[0]}" if more else "")


PHRASINGS = (tell_whole, tell_having, tell_having, tell_noun, tell_its, tell_place)
TESTED_PHRASINGS = (tell_inverted, tell_of)
"""Orders of words that no sentence for training has."""


def describe(bird: Bird, rng: np.random.Generator, *, unseen: bool = False) -> Description:
    """A sentence about a bird.

    Args:
        bird: Which.
        rng: Where its words come from.
        unseen: Whether to say it in an order of words that is for testing.

    Example:
        >>> from potmeter.data.sets.bird_anatomy import draw_bird
        >>> rng = np.random.default_rng(1)
        >>> describe(draw_bird(rng, tested=False), rng).text  # doctest: +SKIP
        'this bird is green with grey and has a very short black beak'
    """
    speaker = Speaker(bird, rng)
    if unseen:
        phrasing = TESTED_PHRASINGS[rng.integers(len(TESTED_PHRASINGS))]
    elif bird.wing == bird.back and rng.random() < 0.5:
        phrasing = tell_whole
    else:
        phrasing = PHRASINGS[rng.integers(1, len(PHRASINGS))]
    text = phrasing(speaker)
    return Description(text, speaker.facts)
