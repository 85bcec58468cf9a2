"""Sentences as subwords: byte-pair encoding (Sennrich et al., arXiv:1508.07909), and words that are copied.

A word with a character that the vocabulary lacks becomes one ``COPY`` token; where the translation has that token, the word
of the source with the largest attention weight stands in its place (Luong et al., arXiv:1410.8206).
"""

from __future__ import annotations

import json
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from potmeter.data.fetching.clients import announce
from potmeter.data.words import TOKENS, split_words
from potmeter.errors import UserError, reject

from .model import COPY, END, START

SPECIAL = ["<pad>", "<s>", "</s>", "<copy>"]
"""In the order of their numbers in ``model.py``."""
SPACE = "▁"
"""How a space is written within a token."""
CHARACTER_COVERAGE = 0.9995
"""Share of the training text's characters that the vocabulary has to have; words with one of the others are copied."""
MAX_FILE = 16 * 2**20


def normalize(text: str) -> str:
    """The text with each accent in its letter (NFC): apart, as macOS writes them, they would be tokens of their own."""
    return unicodedata.normalize("NFC", text)


def find_distinct_words(text: str) -> set[str]:
    """The different words and signs of a sentence."""
    return {*split_words(normalize(text))}


class Tokenizer:
    """Between sentences and tokens of one vocabulary, in which each target language has a token too.

    Args:
        backend: The encoding, with the special tokens first.

    Raises:
        UserError: When they are not there.
    """

    source_suffix: tuple[int, ...] = (END,)
    """What a source sentence ends with."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        [backend.token_to_id(name) for name in SPECIAL] == [0, 1, 2, 3] or reject(
            "The vocabulary does not begin with the special tokens.", f"{len(self)} tokens"
        )
        self.alphabet = {token for token in backend.get_vocab() if len(token) == 1} - {"<"}  # special tokens begin so

    def __len__(self) -> int:
        return self.backend.get_vocab_size()

    def language_token(self, name: str) -> int:
        """The token that asks for a translation into a language."""
        number = self.backend.token_to_id(f"<to-{name}>")
        return reject("The vocabulary has no such language.", name) if number is None else number

    def encode(self, text: str, copy: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        """The tokens of a sentence, and the words that its ``COPY`` tokens stand for.

        Args:
            text: One sentence.
            copy: Words to be copied although the vocabulary has their characters.
        """
        copy, copied = set(copy), []

        def replace(match: Any) -> str:
            if set(match[0]) <= self.alphabet and match[0] not in copy:
                return str(match[0])
            copied.append(match[0])
            return "<copy>"

        return self.backend.encode(TOKENS.sub(replace, normalize(text)), add_special_tokens=False).ids, copied

    def decode(self, ids: Sequence[int], copied: Sequence[str] = ()) -> str:
        """The sentence of tokens, with these words for its ``COPY`` tokens."""
        words = iter(copied)
        names = (next(words, "") if i == COPY else self.id_to_token(i) for i in ids if i not in (START, END))
        return " ".join("".join(names).replace(SPACE, " ").split())

    def id_to_token(self, token: int) -> str:
        """How a token is written; nothing for one that the vocabulary lacks."""
        return self.backend.id_to_token(token) or ""

    @cached_property
    def merges(self) -> dict[int, tuple[int, int]]:
        """The two tokens that each longer one was merged from."""
        numbers = self.backend.get_vocab()
        pairs = json.loads(self.backend.to_str())["model"].get("merges", [])
        return {numbers[one + other]: (numbers[one], numbers[other]) for one, other in pairs}

    def split(self, ids: Sequence[int], probability: float, rng: random.Random) -> list[int]:
        """Tokens, each split into the two it was merged from with this probability, and so are these."""
        merges, left, split = self.merges, [*reversed(ids)], []
        while left:
            token = left.pop()
            if token in merges and rng.random() < probability:
                left += reversed(merges[token])
            else:
                split.append(token)
        return split

    def save(self, path: Path) -> None:
        """Write the vocabulary, in the format of the library ``tokenizers``."""
        path.write_text(self.backend.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a vocabulary. Raises UserError when it is missing or damaged."""
        try:
            path.stat().st_size <= MAX_FILE or reject(f"{path} is too large.", f"{path.stat().st_size:,} bytes")
            return cls(Backend.from_str(path.read_text(encoding="utf-8")))
        except UserError:
            raise
        except Exception as error:  # the library raises plain Exceptions
            raise UserError(f"{path} is no vocabulary: {error}.", received=str(path)) from None

    @classmethod
    def train(cls, sentences: Sequence[str], vocab_size: int, languages: Sequence[str]) -> Tokenizer:
        """Learn the most frequent merges, until there are ``vocab_size`` tokens, or fewer where the text has no more.

        Raises:
            UserError: When the characters of the text do not fit into so many tokens.
        """
        special = [*SPECIAL, *(f"<to-{name}>" for name in languages)]
        alphabet_size = choose_alphabet_size(sentences, vocab_size - len(special))
        backend = Backend(models.BPE())
        backend.normalizer = normalizers.NFC()
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(SPACE, prepend_scheme="first"),
                pre_tokenizers.Split(Regex(r"\d|[^\w\s▁]"), "isolated"),  # digits and signs are tokens of their own
            ]
        )
        backend.decoder = decoders.Metaspace(SPACE)
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size, special_tokens=special, limit_alphabet=alphabet_size, show_progress=False
        )
        backend.train_from_iterator(sentences, trainer)
        return cls(backend)


def choose_alphabet_size(sentences: Iterable[str], most: int) -> int:
    """How many characters, the most frequent ones and the space, make up ``CHARACTER_COVERAGE`` of the text.

    Raises:
        UserError: When they are more than ``most``: too many words would be copied instead of translated.
    """
    counts = Counter(character for sentence in sentences for character in normalize(sentence))
    for space in [character for character in counts if character.isspace()]:
        del counts[space]
    total, covered, size = sum(counts.values()), 0, 0
    for _, count in counts.most_common():
        if covered >= CHARACTER_COVERAGE * total:
            break
        covered, size = covered + count, size + 1
    size < most or reject(
        f"{size:,} different characters make up {CHARACTER_COVERAGE:.2%} of this text, which are too many for the "
        f"vocabulary: raise --vocab-size above {size + len(SPECIAL) + 2:,}.",
        f"{most:,} tokens",
    )
    if size < len(counts):
        announce(
            f"The vocabulary has {size:,} of {len(counts):,} characters, {covered / total:.2%} of the text; words with "
            "another one are copied."
        )
    return size + 1
