"""What WaveNet is worth being tried on; none of it was trained on."""

from __future__ import annotations

import numpy as np

from potmeter.core.system import Example
from potmeter.data.samples import sample_sound
from potmeter.errors import reject
from potmeter.media import Audio

from .model import Config

NAMED = {"prompts": "prompts-tt-monkeysintro", "vowels": "vowels-46"}
"""A sound of the test part of each data set."""


def example_sound(dataset: str) -> Audio:
    """A sound that weights of a data set were not trained on."""
    if dataset not in NAMED:
        reject("These weights speak the spectrogram of a sound: name one.", "no sound")
    return sample_sound(NAMED[dataset])


def examples(config: Config) -> list[Example]:
    """The examples of the weights that were trained on a data set."""
    if config.condition == "none":
        return [Example("What it says when nobody tells it what", seconds=4.0, seed=seed) for seed in (0, 1)]
    if config.dataset not in NAMED:
        return []
    held_out = example_sound(config.dataset)
    if config.dataset != "prompts":
        return [
            Example("A sound that it was not trained on", sound=held_out),
            Example("Where it is surprised", task="bits", sound=held_out),
        ]
    sentence = sample_sound("prompts-tt-somethingwrong")
    return [
        Example("A sentence that it was not trained on, from its mel spectrogram", sound=held_out),
        Example("The original, WaveNet, and Griffin–Lim", task="resynthesise", sound=sentence),
        Example("Four notes of a synthesiser: it has only ever heard one voice", task="resynthesise", sound=melody()),
        Example("Where a sentence surprises it", task="bits", sound=held_out),
    ]


def melody(rate: int = 16_000) -> Audio:
    """Four notes of half a second, a sawtooth each."""
    time = np.arange(rate // 2) / rate
    swell = np.minimum(1, np.minimum(time, time[::-1]) * 40)
    notes = [swell * ((frequency * time) % 1 - 0.5) for frequency in (220.0, 277.18, 329.63, 440.0)]
    return Audio((0.3 * np.concatenate(notes)).astype(np.float32), rate)
