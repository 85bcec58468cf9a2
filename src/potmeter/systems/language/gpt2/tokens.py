"""A training text as one file of token numbers, which stays on disk however long it is; and windows drawn from it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from potmeter.core.training.batches import ResumableBatches
from potmeter.data.fetching.fetch import cache_folder
from potmeter.errors import UserError, reject

from .texts import Corpus
from .tokenizer import Tokenizer


def token_file(corpus: Corpus, tokenizer: Tokenizer) -> np.memmap:
    """The corpus as tokens, mapped into memory: pages are read when they are used, and given back when memory is short.

    Every document begins with the token that ends the one before. The file is kept in the cache, under a name made of
    the text and the vocabulary, so that it is written once.

    Raises:
        UserError: When the text is no text, or the cache is full.
    """
    kind = np.dtype("<u2" if len(tokenizer) <= 2**16 else "<u4")
    name = hashlib.sha256((tokenizer.library.to_str() + corpus.fingerprint()).encode()).hexdigest()[:24]
    path = cache_folder() / "tokens" / f"{name}.{kind.str[1:]}"
    if not path.is_file():
        try:
            write(corpus, tokenizer, path, kind)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
    return np.memmap(path, kind, mode="r")


def write(corpus: Corpus, tokenizer: Tokenizer, path: Path, kind: np.dtype) -> None:
    """Write the tokens, a chunk of text after the other, into a file aside; what has its name is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".tokens-")
    try:
        with open(handle, "wb") as file:
            for document in corpus.documents:
                file.write(np.array([tokenizer.end], kind).tobytes())
                for chunk in document.chunks():
                    file.write(np.array(tokenizer.encode(chunk), kind).tobytes())
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


class Windows(ResumableBatches):
    """Stretches of ``context`` tokens, and the token after each, without end, from any position on.

    In an epoch every token is read once: the text is cut into windows, which come in random order. Where the first one
    begins is drawn anew for each epoch, so that a token is seen at ever other places.

    Args:
        tokens: The whole text.
        context: Length of a window.
        batch_size: Windows in a batch, over all processes together.
        seed: Of the order.
        device: Where the batches go.

    Raises:
        UserError: When the text is shorter than two windows.
    """

    def __init__(self, tokens: Any, context: int, batch_size: int, *, seed: int = 0, device: Any = "cpu") -> None:
        if len(tokens) < 2 * context + 1:
            reject(
                f"The training text is too short for a context of {context} tokens: it must have twice as many.",
                f"{len(tokens)} tokens",
            )
        super().__init__(batch_size, seed=seed)
        self.tokens, self.context, self.device = tokens, context, device
        self.count = (len(tokens) - 1) // context - 1

    def starts(self) -> Iterator[int]:
        """Where the windows begin, from the current position on."""
        epoch, place = divmod(self.position * self.batch_size, self.count)
        while True:
            rng = self.epoch_rng(epoch)
            first = int(torch.randint(self.context, (), generator=rng))
            for number in torch.randperm(self.count, generator=rng)[place:].numpy():  # a list would take 40 bytes each
                yield first + int(number) * self.context
            epoch, place = epoch + 1, 0

    def generate(self) -> Iterator[dict[str, torch.Tensor]]:
        starts = self.starts()
        while True:
            batch = self.local_slice([next(starts) for _ in range(self.batch_size)])
            rows = np.stack([self.tokens[start : start + self.context + 1] for start in batch]).astype(np.int64)
            yield {"ids": torch.from_numpy(rows).to(self.device, non_blocking=True)}
