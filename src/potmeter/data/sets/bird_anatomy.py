"""What a drawn bird is made of: kinds of outline, colours of the parts, beaks, patterns, places; and birds drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COLOURS = {
    "red": (0, 70, 47),
    "orange": (25, 88, 54),
    "yellow": (49, 90, 60),
    "green": (108, 42, 40),
    "blue": (213, 66, 50),
    "brown": (24, 44, 33),
    "black": (225, 14, 14),
    "grey": (212, 7, 54),
    "white": (42, 24, 94),
}
"""Hue in degrees, saturation and lightness in percent of each colour, about which a bird's own varies."""
PARTS = ("crown", "back", "wing", "belly", "throat")
"""What has a colour of its own."""
BEAK_COLOURS = {"black": (220, 10, 17), "grey": (215, 10, 45), "orange": (26, 90, 52), "yellow": (46, 88, 55)}
BEAK_LENGTHS = ("short", "medium", "long")
BEAK_SHAPES = ("cone-shaped", "pointed", "hooked", "curved")
PATTERNS = ("plain", "streaked", "spotted")
"""Of the breast."""
TAILS = ("short", "long")
PLACES = ("branch", "grass", "snow", "rock")


@dataclass(frozen=True)
class Outline:
    """The build of a kind of bird, in units of a picture 256 wide."""

    length: float
    """Half of the body's."""
    depth: float
    """Half of the body's, as a share of its length."""
    head: float
    """Radius."""
    neck: float
    """How far the head stands off the shoulders, in radii of the head."""
    posture: float
    """Degrees by which the body's axis is raised."""
    legs: float
    """Length."""
    wing: float
    """How far the folded wing reaches beyond the body, as a share of its length."""
    fork: float
    """Depth of the tail's notch, as a share of its length; below 0 it is rounded."""
    crest: bool = False
    cocked: float = 0.0
    """Degrees by which the tail is raised above the body's axis."""


OUTLINES = {
    "robin": Outline(45, 0.70, 25, 0.52, 40, 21, 0.20, 0.06),
    "finch": Outline(45, 0.66, 24, 0.52, 30, 16, 0.22, 0.16),
    "warbler": Outline(45, 0.56, 21, 0.62, 24, 18, 0.16, 0.05),
    "wren": Outline(40, 0.74, 24, 0.42, 18, 18, 0.02, -0.20, cocked=62),
    "tit": Outline(41, 0.72, 26, 0.40, 34, 16, 0.16, 0.08, crest=True),
    "jay": Outline(52, 0.58, 25, 0.62, 32, 18, 0.12, -0.22, crest=True),
    "thrush": Outline(53, 0.58, 23, 0.76, 44, 23, 0.18, 0.02),
    "swallow": Outline(46, 0.50, 22, 0.46, 26, 10, 0.62, 0.55),
}
"""By a name of a kind of bird that is built so."""
TAIL_LENGTHS = {"short": 34.0, "long": 66.0}
BEAK_REACH = {"short": 11.0, "medium": 19.0, "long": 34.0}


@dataclass(frozen=True)
class Bird:
    """All that decides how a bird looks."""

    outline: str
    crown: str
    back: str
    wing: str
    belly: str
    throat: str
    beak_colour: str
    beak_length: str
    beak_shape: str
    pattern: str
    tail: str
    place: str
    eye_ring: bool
    wing_bars: bool
    seed: int
    """Of its pose, the light and the scenery, which no sentence states."""

    @property
    def crest(self) -> bool:
        """Whether the feathers of its head stand up."""
        return OUTLINES[self.outline].crest


ATTRIBUTES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(PARTS, tuple(COLOURS)),
    "beak_length": BEAK_LENGTHS,
    "beak_colour": tuple(BEAK_COLOURS),
    "pattern": PATTERNS,
    "tail": TAILS,
    "place": PLACES,
    "eye_ring": ("no", "yes"),
    "wing_bars": ("no", "yes"),
    "crest": ("no", "yes"),
}
"""What can be seen of a bird, and the values that each attribute has."""


def attribute_values(bird: Bird) -> tuple[int, ...]:
    """The number of the value that each of the ``ATTRIBUTES`` has."""
    values = ((name, getattr(bird, name)) for name in ATTRIBUTES)
    return tuple(int(value) if isinstance(value, bool) else ATTRIBUTES[name].index(value) for name, value in values)


def is_tested_pair(back: str, belly: str) -> bool:
    """Whether birds with a back and a belly of these colours are in the test part only: one belly to each back, and back.

    Example:
        >>> is_tested_pair("blue", "white"), is_tested_pair("white", "blue")
        (True, False)
    """
    colours = list(COLOURS)
    return (colours.index(belly) - colours.index(back)) % len(colours) == 4


def draw_bird(rng: np.random.Generator, tested: bool) -> Bird:
    """A random bird.

    Args:
        rng: Where its attributes come from.
        tested: Whether the colours of its back and belly come together in the test part only, or in the others only.
    """
    pick = lambda values: str(values[rng.integers(len(values))])
    colours = tuple(COLOURS)
    while True:
        back, belly = pick(colours), pick(colours)
        if back != belly and is_tested_pair(back, belly) == tested:
            break
    wing = back if rng.random() < 0.6 else pick(colours)
    crown = back if rng.random() < 0.45 else pick(colours)
    throat = belly if rng.random() < 0.55 else pick(colours)
    length = pick(BEAK_LENGTHS)
    shapes = {"short": ("cone-shaped", "pointed", "hooked"), "medium": BEAK_SHAPES, "long": ("pointed", "curved")}
    outline = pick(tuple(OUTLINES))
    return Bird(
        outline=outline, crown=crown, back=back, wing=wing, belly=belly, throat=throat,
        beak_colour=pick(tuple(BEAK_COLOURS)), beak_length=length, beak_shape=pick(shapes[length]),
        pattern=str(rng.choice(PATTERNS, p=(0.6, 0.2, 0.2))), tail=pick(TAILS), place=pick(PLACES),
        eye_ring=bool(rng.random() < 0.3), wing_bars=bool(rng.random() < 0.3), seed=int(rng.integers(2**31)),
    )  # fmt: skip
