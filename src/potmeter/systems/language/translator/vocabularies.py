"""Between sentences of two languages and tokens: one vocabulary for both, or one each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from potmeter.errors import reject

from .model import COPY, END, START, Config
from .search import Hypothesis
from .tokenizer import Tokenizer
from .words import load


class Vocabularies:
    """What a translator reads and writes with.

    Args:
        tokenizers: One, or the source's and the target's.
        config: Of the translator.

    Raises:
        UserError: When a vocabulary has more tokens than the translator.
    """

    def __init__(self, tokenizers: Sequence[Tokenizer], config: Config) -> None:
        self.tokenizers, self.both, self.languages = tuple(tokenizers), config.both, config.languages
        self.source, self.target = self.tokenizers[0], self.tokenizers[-1]
        for tokenizer, size in zip(tokenizers, (config.vocabulary, config.target_vocabulary), strict=False):
            size is None or len(tokenizer) <= size or reject(
                f"The vocabulary does not fit: the weights are for {size} tokens.", f"{len(tokenizer)} tokens"
            )

    @cached_property
    def into(self) -> dict[str, str]:
        """The target language of each direction."""
        return dict(zip(directions(self.languages, self.both), self.languages[::-1], strict=False))

    def read(self, text: str, direction: str, hidden: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        """A source sentence as tokens, and the words to be copied, ``hidden`` among them."""
        first = [self.source.language(self.into[direction])] if self.both else []
        ids, words = self.source.encode(text, hidden)
        return [*first, *ids, *self.source.ends], words

    def wanted(self, text: str, hidden: Iterable[str] = ()) -> list[int]:
        """A translation as tokens, from the start to the end."""
        return [START, *self.target.encode(text, hidden)[0], END]

    def written(self, text: str, direction: str, found: Hypothesis) -> str:
        """The translation of a text."""
        return self.target.decode(found.tokens, self.copied(text, direction, found))

    def copied(self, text: str, direction: str, found: Hypothesis) -> list[str]:
        """For each token to copy the word of the text that was looked at most; without attention the next one."""
        ids, words = self.read(text, direction)
        places = [place for place, token in enumerate(ids) if token == COPY]
        numbers = [number for number, token in enumerate(found.tokens) if token == COPY and places]
        if found.weights is None:
            return [words[min(n, len(words) - 1)] for n in range(len(numbers))]
        return [words[int(found.weights[number, places].argmax())] for number in numbers]

    def names(self, text: str, direction: str, found: Hypothesis) -> tuple[list[str], list[str]]:
        """How the tokens of a source and its translation are written, copied words as themselves."""
        ids, words = self.read(text, direction)
        sides = ((ids, words, self.source), ([*found.tokens, END], self.copied(text, direction, found), self.target))
        named = []
        for tokens, whole, tokenizer in sides:
            left = iter(whole)
            named.append([next(left, "") if token == COPY else tokenizer.name(token) for token in tokens])
        return named[0], named[1]

    def save(self, folder: Path) -> None:
        """Write the vocabularies."""
        for path, tokenizer in zip(files(folder, len(self.tokenizers)), self.tokenizers, strict=True):
            tokenizer.save(path)

    @classmethod
    def load(cls, folder: Path, config: Config) -> Vocabularies:
        """Read them. Raises UserError when one is missing, damaged, or too large."""
        count = 1 if config.target_vocabulary is None else 2
        return cls([load(path) for path in files(folder, count)], config)

    @classmethod
    def train(cls, sides: Sequence[Sequence[str]], config: Config) -> Vocabularies:
        """Learn them from sentences of both languages."""
        if config.target_vocabulary is None:
            both = [text for side in sides for text in side]
            return cls([Tokenizer.train(both, config.vocabulary, config.languages)], config)
        sizes = (config.vocabulary, config.target_vocabulary)
        made = [Tokenizer.train(side, size, config.languages) for side, size in zip(sides, sizes, strict=True)]
        return cls(made, config)


def directions(languages: Sequence[str], both: bool) -> tuple[str, ...]:
    """What can be translated, as ``en-hu``."""
    one, other = languages
    return (f"{one}-{other}", f"{other}-{one}") if both else (f"{one}-{other}",)


def files(folder: Path, count: int) -> list[Path]:
    """Where the vocabularies are kept."""
    return [folder / name for name in (["tokenizer.json"] if count == 1 else ["source.json", "target.json"])]
