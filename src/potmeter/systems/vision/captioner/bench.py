"""Speed of the captioner: many pictures searched together, and CIDEr beside COCO's evaluation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import torch

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.metrics.captions import cider

from .decoding import search_captions
from .features import STRIDE
from .model import CLASSES
from .system import BEAM, ImageCaptioner

PICTURES = 64
"""Pictures that are captioned in a turn."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("captions_per_s"):
        yield search()
    if is_selected("cider_s"):
        yield metric()


def search() -> Row:
    """Captions a second from feature maps, beam 3: all pictures and hypotheses together, or picture by picture."""
    torch.manual_seed(0)
    words = tuple(f"word{number}" for number in range(260))
    classes = tuple(f"{number} {word}" for number, word in enumerate(words[:160]))
    config = replace(ImageCaptioner.presets["lecture"], vocabulary=words, class_words=classes, languages=("en",))
    system = ImageCaptioner(config).eval()
    side = config.image_size // STRIDE
    features, probabilities = (
        torch.rand(PICTURES, 1280, side, side),
        torch.rand(PICTURES, CLASSES, side, side).softmax(1),
    )
    maps = torch.cat([features, probabilities], 1)

    def together() -> None:
        search_captions(system.decoder, config, maps, "en", BEAM)

    def one_by_one() -> None:
        for each in maps:
            search_captions(system.decoder, config, each[None], "en", BEAM)

    seconds = interleave({"ours": stopwatch(together), "one": stopwatch(one_by_one)}, rounds=3)
    rates = {name: PICTURES / value for name, value in seconds.items()}
    note = "the same search and weights; together the matrices are multiplied for all hypotheses at once"
    return compare(
        "captions_per_s", "captions/s", rates["ours"], rates["one"], "one picture after the other", note=note
    )


def metric() -> Row:
    """CIDEr of 500 captions with five references each."""
    from pycocoevalcap.cider.cider import Cider

    rng, words = random.Random(0), [f"word{number}" for number in range(300)]
    sentences = [[[rng.choice(words) for _ in range(10)] for _ in range(6)] for _ in range(500)]
    written, references = [some[0] for some in sentences], [some[1:] for some in sentences]
    texts = {number: [" ".join(each) for each in some] for number, some in enumerate(references)}
    ours = stopwatch(lambda: cider(written, references))
    theirs = stopwatch(lambda: Cider().compute_score(texts, {n: [" ".join(w)] for n, w in enumerate(written)}))
    seconds = interleave({"ours": ours, "theirs": theirs}, rounds=3)
    return compare("cider_s", "s", seconds["ours"], seconds["theirs"], "pycocoevalcap")
