"""How good captions are: CIDEr, BLEU and whether they name what is there; of any method's captions alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from potmeter.data.captions import CaptionData
from potmeter.metrics.captions import bleu4, cider

from .words import split_caption


def measure_captions(written: Mapping[str, Sequence[str]], data: CaptionData) -> dict[str, Tensor]:
    """CIDEr of each caption, BLEU-4 of each language's captions (their mean), and whether each object is named.

    Args:
        written: By language, a caption for each picture.
        data: The pictures with their captions; in each language every picture has some.

    Returns:
        ``cider`` (languages · N,), ``bleu4`` a scalar in percent, and, where the objects are known, ``objects_named``.
    """
    ciders, bleus, named = list[Tensor](), list[float](), list[float]()
    for language, texts in written.items():
        candidates = [split_caption(text) for text in texts]
        references = [[split_caption(text) for text in captions[language]] for captions in data.captions]
        ciders.append(torch.from_numpy(cider(candidates, references)))
        bleus.append(bleu4(candidates, references))
        for words, objects in zip(candidates, data.objects, strict=False):
            named += [float(is_named(names[language], words)) for names in objects]
    metrics = {"cider": torch.cat(ciders).float(), "bleu4": torch.tensor(bleus).mean()}
    return metrics | ({"objects_named": torch.tensor(named)} if named else {})


def is_named(names: Sequence[str], words: Sequence[str]) -> bool:
    """Whether one of an object's names stands in a caption.

    Example:
        >>> is_named(["guinea fowl"], ["two", "guinea", "fowl"]), is_named(["car"], ["a", "carrot"])
        (True, False)
    """
    text = f" {' '.join(words)} "
    return any(f" {name} " in text for name in names)


def most_frequent_caption(data: CaptionData, language: str) -> str:
    """The caption that stands most often in a data set; of several the first in the alphabet."""
    counts = Counter(text for captions in data.captions for text in captions.get(language, ()))
    return min(counts, key=lambda text: (-counts[text], text))
