"""Captions as tokens, and tokens as captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import regex
import torch
from jaxtyping import Int
from torch import Tensor

from potmeter.data.captioned import UNDETERMINED
from potmeter.data.captions import CaptionData
from potmeter.data.sets.imagenet import imagenet_classes
from potmeter.errors import reject

from .model import END, PAD, UNKNOWN, Config

WORDS = regex.compile(r"\w+(?:['’\-]\w+)*|,")


def split_caption(caption: str) -> list[str]:
    """The words of a caption in small letters; of the other signs only commas count.

    Example:
        >>> split_caption("A Dog's ball, on the T-shirt.")
        ['a', "dog's", 'ball', ',', 'on', 'the', 't-shirt']
    """
    words: list[str] = WORDS.findall(caption.lower())
    return words


def join_words(words: Iterable[str]) -> str:
    """Words as a text, commas where they belong.

    Example:
        >>> join_words(["a", "dog", ",", "a", "cat"])
        'a dog, a cat'
    """
    return " ".join(words).replace(" ,", ",")


def learn_vocabulary(data: CaptionData, min_count: int) -> tuple[str, ...]:
    """The words that stand in the captions so many times or more, the most frequent ones first.

    Raises:
        UserError: When there are none.
    """
    counts = Counter(
        word
        for captions in data.captions for texts in captions.values() for text in texts for word in split_caption(text)
    )  # fmt: skip
    words = sorted(
        (word for word, count in counts.items() if count >= min_count), key=lambda word: (-counts[word], word)
    )
    return tuple(words) or reject(f"No word stands {min_count} times in the captions.", f"{len(counts)} words")


def match_classes(data: CaptionData, vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Which of ImageNet's classes a word of the vocabulary names, as ``291 lion``.

    By what the data say; where they say nothing, and their captions are English or of no stated language, a class is named by
    the word its name ends in (``brown bear``, class 294, by bear).
    """
    names = imagenet_classes()
    if data.class_words:
        pairs = [(names.index(name), word) for word, some in data.class_words.items() for name in some]
    elif set(data.languages) <= {"en", UNDETERMINED}:
        pairs = [(number, name.lower().split()[-1]) for number, name in enumerate(names)]
    else:
        pairs = []
    known = set(vocabulary)
    return tuple(f"{number} {word}" for number, word in sorted(pairs) if word in known)


def encode_captions(captions: Sequence[str], language: str, config: Config) -> Int[Tensor, "n t"]:
    """Captions as rows of tokens: the start of the language, the words, the end, padding."""
    numbers = {token: number for number, token in enumerate(config.tokens)}
    rows = [
        [
            config.start(language),
            *(numbers.get(word, UNKNOWN) for word in split_caption(text)[: config.max_length]),
            END,
        ]
        for text in captions
    ]
    length = max(map(len, rows))
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


def decode_tokens(tokens: Sequence[int], config: Config) -> str:
    """The caption of some tokens."""
    return join_words(config.tokens[token] for token in tokens)


def check_caption(caption: str, config: Config) -> None:
    """Raise UserError for a caption with words that are not in the vocabulary, with none, or with too many."""
    words = split_caption(caption)
    known = set(config.vocabulary)
    if unknown := [word for word in dict.fromkeys(words) if word not in known]:
        reject("The captioner's vocabulary has not all of these words.", ", ".join(unknown[:5]))
    0 < len(words) <= config.max_length or reject(
        f"A caption has 1 to {config.max_length} words.", f"{len(words)} words"
    )
