"""Sentences as subwords: byte-pair encoding (Sennrich et al., arXiv:1508.07909), and words that are copied.

A word with a character that the vocabulary lacks becomes one ``COPY`` token; where the translation has that token, the
word of the source that was looked at most stands in its place (Luong et al., arXiv:1410.8206).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Library

from potmeter.errors import UserError, reject

from .model import COPY, END, START

SPECIAL = ["<pad>", "<s>", "</s>", "<copy>"]
"""In the order of their numbers in ``model.py``."""
SPACE = "▁"
"""How a space is written within a token."""
CHARACTERS = 160
"""Most different characters of a vocabulary: the rest is rare, and copied."""
PIECES = re.compile(r"\w+|[^\w\s]")
"""Words and signs."""
MAX_FILE = 16 * 2**20


def composed(text: str) -> str:
    """The text with each accent in its letter (NFC): apart, as macOS writes them, they would be signs."""
    return unicodedata.normalize("NFC", text)


def words_of(text: str) -> set[str]:
    """The different words and signs of a sentence."""
    return {*PIECES.findall(composed(text))}


class Tokenizer:
    """Between sentences and tokens of one vocabulary, in which each target language has a token too.

    Args:
        library: The encoding, with the special tokens first.

    Raises:
        UserError: When they are not there.
    """

    ends: tuple[int, ...] = (END,)
    """With what a source sentence ends."""

    def __init__(self, library: Library) -> None:
        self.library = library
        [library.token_to_id(name) for name in SPECIAL] == [0, 1, 2, 3] or reject(
            "The vocabulary does not begin with the special tokens.", f"{len(self)} tokens"
        )
        single = {token for token in library.get_vocab() if len(token) == 1}
        self.characters = single - {"<"}  # with which special tokens begin

    def __len__(self) -> int:
        return self.library.get_vocab_size()

    def language(self, name: str) -> int:
        """The token that asks for a translation into a language."""
        number = self.library.token_to_id(f"<to-{name}>")
        return reject("The vocabulary has no such language.", name) if number is None else number

    def encode(self, text: str, hidden: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        """The tokens of a sentence, and the words that its ``COPY`` tokens stand for.

        Args:
            text: One sentence.
            hidden: Words to be copied although the vocabulary has them.
        """
        hidden, words = set(hidden), []

        def known(match: re.Match[str]) -> str:
            if set(match[0]) <= self.characters and match[0] not in hidden:
                return match[0]
            words.append(match[0])
            return "<copy>"

        return self.library.encode(PIECES.sub(known, composed(text)), add_special_tokens=False).ids, words

    def decode(self, ids: Sequence[int], copied: Sequence[str] = ()) -> str:
        """The sentence of tokens, with these words for its ``COPY`` tokens."""
        words = iter(copied)
        names = (next(words, "") if i == COPY else self.name(i) for i in ids if i not in (START, END))
        return " ".join("".join(names).replace(SPACE, " ").split())

    def name(self, token: int) -> str:
        """How a token is written; nothing for one that the vocabulary lacks."""
        return self.library.id_to_token(token) or ""

    def save(self, path: Path) -> None:
        """Write the vocabulary, in the library's own format."""
        path.write_text(self.library.to_str(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a vocabulary. Raises UserError when it is missing or damaged."""
        try:
            path.stat().st_size <= MAX_FILE or reject(f"{path} is too large.", f"{path.stat().st_size:,} bytes")
            return cls(Library.from_str(path.read_text(encoding="utf-8")))
        except UserError:
            raise
        except Exception as error:  # the library raises plain Exceptions
            raise UserError(f"{path} is no vocabulary: {error}.", received=str(path)) from None

    @classmethod
    def train(cls, sentences: Iterable[str], size: int, languages: Sequence[str]) -> Tokenizer:
        """Learn the most frequent pairs, until there are ``size`` tokens, or fewer where the text has no more."""
        library = Library(models.BPE())
        library.normalizer = normalizers.NFC()
        library.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(SPACE, prepend_scheme="first"),
                pre_tokenizers.Split(Regex(r"\d|[^\w\s▁]"), "isolated"),  # digits and signs are tokens of their own
            ]
        )
        library.decoder = decoders.Metaspace(SPACE)
        special = [*SPECIAL, *(f"<to-{name}>" for name in languages)]
        trainer = trainers.BpeTrainer(
            vocab_size=size, special_tokens=special, limit_alphabet=CHARACTERS, show_progress=False
        )
        library.train_from_iterator(sentences, trainer)
        return cls(library)
