"""Whole words as tokens, as tensorflow/nmt has them: what stands between spaces, cut up before by somebody else.

Its ``<unk>`` is our ``COPY``: where the translation has it, the unknown word of the source that was looked at most stands
in its place (Luong et al., arXiv:1410.8206), or ``<unk>`` where the source has none. A word that ends in ``@@`` goes on in
the next one (Sennrich et al., arXiv:1508.07909).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer as Library
from tokenizers import models

from potmeter.errors import UserError, reject

from .model import COPY, END, START
from .tokenizer import MAX_FILE, SPACE, SPECIAL, Tokenizer

UNKNOWN, FIRST = "<unk>", ["<unk>", "<s>", "</s>"]
"""What stands for every unknown word, and how a vocabulary of tensorflow/nmt begins."""
CONTINUED = re.compile("@@( |$)")


class Words(Tokenizer):
    """Between sentences and whole words; the source's end is not read."""

    ends = ()

    def encode(self, text: str, hidden: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        hidden, ids, words = set(hidden), [], []
        for word in filter(None, text.split(" ")):
            token = self.library.token_to_id(word)
            if token is None or token <= COPY or word in hidden:
                token = COPY
                words.append(SPACE + word)
            ids.append(token)
        return ids, words

    def decode(self, ids: Sequence[int], copied: Sequence[str] = ()) -> str:
        words = iter(copied)
        names = (next(words, UNKNOWN) if i == COPY else self.name(i) for i in ids if i not in (START, END))
        return CONTINUED.sub("", " ".join(name.removeprefix(SPACE) for name in names))

    def name(self, token: int) -> str:
        return super().name(token) if token <= COPY else SPACE + super().name(token)

    @classmethod
    def read(cls, path: Path) -> Words:
        """The vocabulary of a file of tensorflow/nmt, with a word on each line.

        Raises:
            UserError: When it is missing or no text, does not begin with ``FIRST``, or has a word twice.
        """
        try:
            path.stat().st_size <= MAX_FILE or reject(f"{path} is too large.", f"{path.stat().st_size:,} bytes")
            lines = [line.removesuffix("\r") for line in path.read_bytes().decode().removesuffix("\n").split("\n")]
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.", received=str(path)) from None
        except UnicodeDecodeError:
            raise UserError(f"{path} is not UTF-8 text.", received=str(path)) from None
        lines[:3] == FIRST or reject(f"{path} must begin with {', '.join(FIRST)}.", ", ".join(lines[:3]))
        numbers = {name: number for number, name in enumerate([*SPECIAL, *lines[3:]])}
        len(numbers) == len(lines) + 1 or reject(
            f"{path} has a word twice, or one of {' '.join(SPECIAL)} as a word.",
            f"{len(lines) + 1 - len(numbers)} such",
        )
        return cls(Library(models.WordLevel(numbers, unk_token=SPECIAL[COPY])))


def load(path: Path) -> Tokenizer:
    """A saved vocabulary of either kind. Raises UserError when it is missing or damaged."""
    found = Tokenizer.load(path)
    return Words(found.library) if isinstance(found.library.model, models.WordLevel) else found
