"""Whole words as tokens, as tensorflow/nmt has them: what stands between spaces, tokenized before by another program.

Its ``<unk>`` is our ``COPY``: where the translation has it, the unknown word of the source with the largest attention weight
stands in its place (Luong et al., arXiv:1410.8206), or ``<unk>`` where the source has none. A word that ends in ``@@`` goes on
in the next one (Sennrich et al., arXiv:1508.07909).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer as Backend
from tokenizers import models

from potmeter.errors import UserError, reject

from .model import COPY, END, START
from .tokenizer import MAX_FILE, SPACE, SPECIAL, Tokenizer

UNKNOWN, FIRST = "<unk>", ["<unk>", "<s>", "</s>"]
"""What stands for every unknown word, and how a vocabulary of tensorflow/nmt begins."""
SUBWORD_END = re.compile("@@( |$)")


class WordTokenizer(Tokenizer):
    """Between sentences and whole words; a source sentence has no end token."""

    source_suffix = ()

    def encode(self, text: str, copy: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        copy, ids, copied = set(copy), [], []
        for word in filter(None, text.split(" ")):
            token = self.backend.token_to_id(word)
            if token is None or token <= COPY or word in copy:
                token = COPY
                copied.append(SPACE + word)
            ids.append(token)
        return ids, copied

    def decode(self, ids: Sequence[int], copied: Sequence[str] = ()) -> str:
        words = iter(copied)
        names = (next(words, UNKNOWN) if i == COPY else self.id_to_token(i) for i in ids if i not in (START, END))
        return SUBWORD_END.sub("", " ".join(name.removeprefix(SPACE) for name in names))

    def id_to_token(self, token: int) -> str:
        return super().id_to_token(token) if token <= COPY else SPACE + super().id_to_token(token)

    @classmethod
    def read(cls, path: Path) -> WordTokenizer:
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
        return cls(Backend(models.WordLevel(numbers, unk_token=SPECIAL[COPY])))


def load_tokenizer(path: Path) -> Tokenizer:
    """A saved vocabulary of either kind. Raises UserError when it is missing or damaged."""
    loaded = Tokenizer.load(path)
    return WordTokenizer(loaded.backend) if isinstance(loaded.backend.model, models.WordLevel) else loaded
