"""Training pictures with their sentences: small ones and tokens at hand, large ones when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from potmeter.core.progress import progress
from potmeter.data.batches import Batch
from potmeter.data.captions import CaptionData
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest
from potmeter.data.sets.pixel_cache import read_pixels, write_pixels
from potmeter.notices import announce

from .config import Config
from .sentences import PAD, encode_sentences

LARGE_BYTES = 2**29
"""Most memory that large pictures take: stage II learns from so many, 2,730 of 256×256."""


class PairData:
    """A data set whose batches have ``small`` (B, 3, S/4, S/4) in [0, 1], ``tokens`` (B, K, T) and ``index`` (B,).

    Every picture has K sentences: where it has fewer they come again.

    Args:
        data: Pictures with captions.
        config: With its vocabulary.
    """

    def __init__(self, data: CaptionData, config: Config) -> None:
        self.small = load_pixels(data, config.small_size, len(data))
        self.large = load_pixels(data, config.image_size, min(len(data), LARGE_BYTES // (3 * config.image_size**2)))
        sentences = [[text for some in each.values() for text in some] for each in data.captions]
        encoded = iter(encode_sentences([text for some in sentences for text in some], config).int())
        rows = [[next(encoded) for _ in some] for some in sentences]
        most = max(map(len, rows))
        self.tokens = torch.stack([torch.stack([some[k % len(some)] for k in range(most)]) for some in rows])

    def __len__(self) -> int:
        return len(self.small)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The samples at these places."""
        places = torch.as_tensor(indices, dtype=torch.long)
        return {"small": self.small[places].float() / 255, "tokens": self.tokens[places].long(), "index": places}

    def with_large(self, places: Tensor) -> Batch:
        """The samples at these places, or others in place of those whose large pictures are not kept, with ``large`` too."""
        chosen = places % len(self.large)
        return self.__getitems__(chosen.tolist()) | {"large": self.large[chosen].float() / 255}


def trim(tokens: Tensor) -> Tensor:
    """Rows of tokens without the columns in which all are padding."""
    return tokens[:, : int((tokens != PAD).any(0).sum())]


def load_pixels(data: CaptionData, size: int, count: int) -> Tensor:
    """A data set's first pictures at a size, uint8 (N, 3, size, size); made once, into a file of the cache."""
    path = cache_folder() / f"stackgan-{size}-{count}-{digest([data.picture_fingerprint(), 1])[:16]}.npy"
    if not path.is_file():
        from filelock import FileLock

        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                write_pixels(path, resize_pictures(data, size, count))
    return torch.from_numpy(read_pixels(path, (count, 3, size, size)))


def resize_pictures(data: CaptionData, size: int, count: int) -> np.ndarray:
    """The first pictures, uint8 (N, 3, size, size): drawn of that size, or averages of larger ones."""
    announce(f"bringing {count:,} pictures to {size} pixels, into the cache, once …")
    pixels = np.empty((count, 3, size, size), np.uint8)
    at: Any = getattr(data.source, "at", None)
    pictures = data.source if at is None else at(size)
    for place, i in enumerate(progress(data.indices[:count], f"pictures of {size} pixels")):
        picture = pictures.read(i)
        if picture.shape[-1] != size:
            picture = torch.nn.functional.adaptive_avg_pool2d(picture.float(), size).round().byte()
        pixels[place] = picture.numpy()
    return pixels
