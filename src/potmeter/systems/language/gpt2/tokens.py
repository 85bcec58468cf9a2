"""A training text as one file of token numbers, which stays on disk however long it is; and windows sampled from it."""

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


def map_tokens(corpus: Corpus, tokenizer: Tokenizer) -> np.memmap:
    """The corpus as tokens, a file mapped into memory: pages are read when used, and given back when memory is short.

    Every document begins with the token that ends the one before. The file is kept in the cache, under a name made of
    the text and the vocabulary, so that it is written once.

    Raises:
        UserError: When the text is no text, or the cache is full.
    """
    dtype = np.dtype("<u2" if len(tokenizer) <= 2**16 else "<u4")
    name = hashlib.sha256((tokenizer.backend.to_str() + corpus.fingerprint()).encode()).hexdigest()[:24]
    path = cache_folder() / "tokens" / f"{name}.{dtype.str[1:]}"
    if not path.is_file():
        try:
            write_tokens(corpus, tokenizer, path, dtype)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
    return np.memmap(path, dtype, mode="r")


def write_tokens(corpus: Corpus, tokenizer: Tokenizer, path: Path, dtype: np.dtype) -> None:
    """Write the tokens, a chunk of text after the other, to a temporary file; what has its final name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tokens-")
    try:
        with open(handle, "wb") as file:
            for document in corpus.documents:
                file.write(np.array([tokenizer.end], dtype).tobytes())
                for chunk in document.chunks():
                    file.write(np.array(tokenizer.encode(chunk), dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Windows(ResumableBatches):
    """Minibatches of windows of ``context_length`` tokens and the one after.

    In an epoch every token is read once: the text is cut into windows, which come in random order. Where the first one
    begins is drawn anew for each epoch, so that a token is seen at ever other positions.

    Args:
        tokens: The whole text.
        context_length: Length of a window.
        batch_size: Windows in a minibatch, over all processes together.
        seed: Of the order.
        device: Where the minibatches go.

    Raises:
        UserError: When the text is shorter than two windows.
    """

    def __init__(
        self, tokens: Any, context_length: int, batch_size: int, *, seed: int = 0, device: Any = "cpu"
    ) -> None:
        if len(tokens) < 2 * context_length + 1:
            reject(
                f"The training text is too short for a context of {context_length} tokens: it must have twice as many.",
                f"{len(tokens)} tokens",
            )
        super().__init__(batch_size, seed=seed)
        self.tokens, self.context_length, self.device = tokens, context_length, device
        self.windows_per_epoch = (len(tokens) - 1) // context_length - 1

    def starts(self) -> Iterator[int]:
        """Where the windows begin, from the current position on."""
        epoch, done = divmod(self.position * self.batch_size, self.windows_per_epoch)
        while True:
            rng = self.epoch_rng(epoch)
            offset = int(torch.randint(self.context_length, (), generator=rng))
            order = torch.randperm(self.windows_per_epoch, generator=rng)
            for number in order[done:].numpy():  # a list would take 40 bytes each
                yield offset + int(number) * self.context_length
            epoch, done = epoch + 1, 0

    def generate(self) -> Iterator[dict[str, torch.Tensor]]:
        starts = self.starts()
        while True:
            batch = self.local_slice([next(starts) for _ in range(self.batch_size)])
            rows = np.stack([self.tokens[start : start + self.context_length + 1] for start in batch]).astype(np.int64)
            yield {"ids": torch.from_numpy(rows).to(self.device, non_blocking=True)}
