"""What the gallery says when a result is there."""

from dataclasses import dataclass

import numpy as np

from potmeter.gallery.call import longest_sound
from potmeter.gallery.outputs import render_done
from potmeter.media import Audio, Result, Text


@dataclass(frozen=True)
class Spoken(Result):
    original: Audio
    spoken: Audio
    heard: Text


def sound(seconds):
    return Audio(np.zeros(round(8000 * seconds), np.float32), 8000)


def test_of_a_sound_it_says_how_many_times_faster_than_it_is_long_it_was_made():
    made = Spoken(sound(1.5), sound(6), Text("hello"))
    assert longest_sound(made) == 6
    assert "Took 2.0 s for 6.0 s of sound: 3 × real time" in str(render_done(2.0, "?", longest_sound(made)))


def test_of_anything_else_it_says_how_long_it_took():
    assert longest_sound(Text("hello")) == 0
    assert "Took 2.0 s<" in str(render_done(2.0, "?"))
