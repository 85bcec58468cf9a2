"""What the black box gives back."""

from dataclasses import dataclass

from potmeter.media import Chart, Image, Result, Table, Text, Video


@dataclass(frozen=True)
class Snapshot(Result):
    """A box as it stands."""

    picture: Image
    loss: Table
    """Loss (and accuracy) on training points and on unseen ones."""
    knobs: Table
    """Every knob: its name, its value, and the gradient of the training loss with respect to it."""
    state: Text
    """The whole box as a short text; the input of the next task."""


@dataclass(frozen=True)
class KnobSweep(Result):
    """One knob turned from end to end."""

    film: Video
    loss: Chart
    best: Text
    """The box with that knob where the training loss was least, as a state."""


@dataclass(frozen=True)
class TrainingView(Result):
    """Training, as far as it has come."""

    picture: Image | Video
    """The box now; when training is done, all of it as a short video."""
    loss: Chart
    state: Text
    """The box now, as a short text."""
