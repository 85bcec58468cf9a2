"""Between sentences of two languages and tokens: one vocabulary for both, or one each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from potmeter.errors import reject
from potmeter.nn.beam_search import Hypothesis

from .model import COPY, END, START, Config
from .tokenizer import Tokenizer
from .word_tokenizer import load_tokenizer


class Vocabularies:
    """What a translator reads and writes with.

    Args:
        tokenizers: One, or the source's and the target's.
        config: Of the translator.

    Raises:
        UserError: When a vocabulary has more tokens than the translator.
    """

    def __init__(self, tokenizers: Sequence[Tokenizer], config: Config) -> None:
        self.tokenizers, self.languages = tuple(tokenizers), config.languages
        self.both_directions = config.both_directions
        self.source, self.target = self.tokenizers[0], self.tokenizers[-1]
        for tokenizer, size in zip(tokenizers, (config.vocab_size, config.target_vocab_size), strict=False):
            size is None or len(tokenizer) <= size or reject(
                f"The vocabulary does not fit: the weights are for {size} tokens.", f"{len(tokenizer)} tokens"
            )

    def __eq__(self, other: object) -> bool:
        tokenizers = [
            [each.backend.to_str() for each in v.tokenizers] for v in (self, other) if isinstance(v, Vocabularies)
        ]
        return len(tokenizers) == 2 and tokenizers[0] == tokenizers[1]

    @cached_property
    def target_languages(self) -> dict[str, str]:
        """The target language of each direction."""
        directions = name_directions(self.languages, self.both_directions)
        return dict(zip(directions, self.languages[::-1], strict=False))

    def encode_source(self, text: str, direction: str, copy: Iterable[str] = ()) -> tuple[list[int], list[str]]:
        """A source sentence as tokens, and the words to be copied, those of ``copy`` among them."""
        first = [self.source.language_token(self.target_languages[direction])] if self.both_directions else []
        ids, copied = self.source.encode(text, copy)
        return [*first, *ids, *self.source.source_suffix], copied

    def encode_target(self, text: str, copy: Iterable[str] = ()) -> list[int]:
        """A translation as tokens, from the start to the end."""
        return [START, *self.target.encode(text, copy)[0], END]

    def decode(self, text: str, direction: str, hypothesis: Hypothesis) -> str:
        """The translation of a text."""
        return self.target.decode(hypothesis.tokens, self.find_copied(text, direction, hypothesis))

    def find_copied(self, text: str, direction: str, hypothesis: Hypothesis) -> list[str]:
        """For each ``COPY`` token the word of the text with the largest attention weight; without attention the next."""
        ids, words = self.encode_source(text, direction)
        places = [place for place, token in enumerate(ids) if token == COPY]
        numbers = [number for number, token in enumerate(hypothesis.tokens) if token == COPY and places]
        if hypothesis.attention is None:
            return [words[min(n, len(words) - 1)] for n in range(len(numbers))]
        return [words[int(hypothesis.attention[number, places].argmax())] for number in numbers]

    def name_tokens(self, text: str, direction: str, hypothesis: Hypothesis) -> tuple[list[str], list[str]]:
        """How the tokens of a source and its translation are written, copied words as themselves."""
        ids, words = self.encode_source(text, direction)
        copied = self.find_copied(text, direction, hypothesis)
        named = []
        for tokens, whole, tokenizer in ((ids, words, self.source), ([*hypothesis.tokens, END], copied, self.target)):
            left = iter(whole)
            named.append([next(left, "") if token == COPY else tokenizer.id_to_token(token) for token in tokens])
        return named[0], named[1]

    def save(self, folder: Path) -> None:
        """Write the vocabularies."""
        for path, tokenizer in zip(name_files(folder, len(self.tokenizers)), self.tokenizers, strict=True):
            tokenizer.save(path)

    @classmethod
    def load(cls, folder: Path, config: Config) -> Vocabularies:
        """Read them. Raises UserError when one is missing, damaged, or too large."""
        count = 1 if config.target_vocab_size is None else 2
        return cls([load_tokenizer(path) for path in name_files(folder, count)], config)

    @classmethod
    def train(cls, sides: Sequence[Sequence[str]], config: Config) -> Vocabularies:
        """Learn them from sentences of both languages."""
        if config.target_vocab_size is None:
            both = [text for side in sides for text in side]
            return cls([Tokenizer.train(both, config.vocab_size, config.languages)], config)
        sizes = (config.vocab_size, config.target_vocab_size)
        tokenizers = [Tokenizer.train(side, size, config.languages) for side, size in zip(sides, sizes, strict=True)]
        return cls(tokenizers, config)


def name_directions(languages: Sequence[str], both: bool) -> tuple[str, ...]:
    """What can be translated, as ``en-hu``."""
    one, other = languages
    return (f"{one}-{other}", f"{other}-{one}") if both else (f"{one}-{other}",)


def name_files(folder: Path, count: int) -> list[Path]:
    """Where the vocabularies are kept."""
    return [folder / name for name in (["tokenizer.json"] if count == 1 else ["source.json", "target.json"])]
