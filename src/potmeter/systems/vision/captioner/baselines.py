"""What simpler methods write: the caption of the nearest training picture, and the most frequent one."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.data.captions import CaptionData
from potmeter.data.splits import Splits

from .evaluation import measure_captions, most_frequent_caption


def measure_nearest(
    splits: Splits, languages: tuple[str, ...], embed: Callable[[CaptionData], Tensor]
) -> dict[str, float]:
    """Of each test picture the first caption of the training picture with the most alike features, by the cosine.

    Args:
        splits: Training and test pictures.
        languages: In which captions are written.
        embed: The features (N, D) of a data set's pictures.
    """
    train, test = (F.normalize(embed(part), dim=1) for part in (splits.train, splits.test))
    nearest = torch.cat([(part @ train.T).argmax(1) for part in test.split(256)]).tolist()
    captions = splits.train.captions
    written = {
        language: [next(iter(captions[i].get(language, ())), "") for i in nearest] for language in languages
    }  # fmt: skip
    return means("nearest", written, splits.test)


def measure_frequent(splits: Splits, languages: tuple[str, ...]) -> dict[str, float]:
    """The training caption that stands most often, for every test picture."""
    written = {language: [most_frequent_caption(splits.train, language)] * len(splits.test) for language in languages}
    return means("frequent", written, splits.test)


def means(method: str, written: dict[str, list[str]], data: CaptionData) -> dict[str, float]:
    """The metrics of captions under a method's name."""
    return {f"{method}_{name}": float(value.mean()) for name, value in measure_captions(written, data).items()}
