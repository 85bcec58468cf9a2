"""What the box gives back."""

from dataclasses import dataclass

from potmeter.media import Chart, Image, Table, Text, Video


@dataclass(frozen=True)
class Look:
    """A box as it stands."""

    picture: Image
    loss: Table
    """Loss (and accuracy) on the points trained on and on unseen ones."""
    knobs: Table
    """Every knob: its name, its value, and the slope of the training loss along it."""
    state: Text
    """The whole box as a short text; the input of the next turn."""


@dataclass(frozen=True)
class Turned:
    """One knob turned from end to end."""

    film: Video
    loss: Chart
    best: Text
    """The box with that knob where the training loss was least, as a state."""


@dataclass(frozen=True)
class Learned:
    """Training, as far as it has come."""

    picture: Image
    loss: Chart
    state: Text
