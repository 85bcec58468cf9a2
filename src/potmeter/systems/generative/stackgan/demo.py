"""A sentence to write, whose picture is drawn anew at every word."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from potmeter.core.demo import Words
from potmeter.core.random import RandomStream
from potmeter.media import Image
from potmeter.media.image_grid import resize_to_side

from .sentences import MAX_CHARACTERS, split_words, unknown_words
from .system import SHOWN, StackGAN

START = "this bird is blue with white and has a very short beak"


def demo(system: StackGAN) -> Words:
    """A text field beside a picture, and a button for another picture of the same sentence."""
    noise = RandomStream(1, device=system.device)
    z = [system.sample_noise(1, noise)]

    @torch.no_grad()
    def show(sentence: str) -> Image:
        unknown = unknown_words(sentence, system.config)
        known = " ".join(word for word in split_words(sentence) if word not in unknown)
        text = system.embed_sentences([known])  # of no word at all, what the encoder makes of an unknown one
        return resize_to_side(system.decode_text(text, z[0])[1][0], SHOWN)

    def draw_another(sentence: str) -> Iterator[tuple[str, Image]]:
        z[0] = system.sample_noise(1, noise)
        yield sentence, show(sentence)

    return Words(
        title="describe a bird",
        help="Change a word: a colour, a part, the beak. All that is not said stays as it is, until you ask for another bird.",
        start=START, max_length=MAX_CHARACTERS, show=show, actions={"Another bird": draw_another},
    )  # fmt: skip
