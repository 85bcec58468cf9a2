"""Sentences: words as tokens, and the text encoder that is trained on pairs of sentence and picture.

Reed et al. 2016 (arXiv:1605.05395): a sentence's embedding φ and a picture's are trained so that their product is largest for
what belongs together. Theirs reads characters or words by convolutions and a recurrent layer; ours reads words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import regex
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.errors import reject
from potmeter.notices import note

from .config import Config
from .model import downsampling_layers

PAD, UNKNOWN = 0, 1
SPECIAL = 2
"""Tokens before those of the vocabulary."""
MAX_CHARACTERS = 2_000
"""Of a user's sentence."""
LISTED = 5
"""How many unknown words are named."""
WORDS = regex.compile(r"\p{L}+(?:['’\-]\p{L}+)*|\p{N}+")


def split_words(sentence: str) -> list[str]:
    """The words of a sentence in small letters.

    Example:
        >>> split_words("This bird's wings are Blue-grey.")
        ['this', "bird's", 'wings', 'are', 'blue-grey']
    """
    words: list[str] = WORDS.findall(sentence.lower())
    return words


def learn_vocabulary(sentences: Iterable[str], min_count: int) -> tuple[str, ...]:
    """The words that stand in sentences so many times or more, the most frequent ones first. Raises UserError without any."""
    counts = Counter(word for sentence in sentences for word in split_words(sentence))
    words = sorted((w for w, count in counts.items() if count >= min_count), key=lambda word: (-counts[word], word))
    return tuple(words) or reject(f"No word stands {min_count} times in the sentences.", f"{len(counts)} words")


@cache
def token_numbers(vocabulary: tuple[str, ...]) -> dict[str, int]:
    """The token of each word."""
    return {word: SPECIAL + number for number, word in enumerate(vocabulary)}


def encode_sentences(sentences: Sequence[str], config: Config) -> Int[Tensor, "n t"]:
    """Sentences as rows of tokens, padded."""
    numbers = token_numbers(config.vocabulary)
    rows = [
        [numbers.get(word, UNKNOWN) for word in split_words(text)[: config.max_length]] or [UNKNOWN]
        for text in sentences
    ]
    length = max(map(len, rows))
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


def unknown_words(sentence: str, config: Config) -> list[str]:
    """The words of a sentence that are not in the vocabulary, each once."""
    numbers = token_numbers(config.vocabulary)
    return [word for word in dict.fromkeys(split_words(sentence)) if word not in numbers]


def read_sentence(sentence: str, config: Config) -> str:
    """The words of a user's sentence that are in the vocabulary; of the others a note is made.

    Raises:
        UserError: It has no word, none that is in the vocabulary, or more than ``MAX_CHARACTERS`` characters; or there is no
            vocabulary.
    """
    config.vocabulary or reject("These weights know no words, only embeddings of sentences (decode_text).", sentence)
    words = split_words(sentence)
    words or reject("A sentence has at least one word.", sentence)
    if len(sentence) > MAX_CHARACTERS:
        reject(f"A sentence has at most {MAX_CHARACTERS:,} characters.", f"{len(sentence):,} characters")
    unknown = unknown_words(sentence, config)
    listed = ", ".join(unknown[:LISTED]) + (" …" if len(unknown) > LISTED else "")
    if len(unknown) == len(set(words)):
        reject("None of these words was in the sentences that it learned from.", listed)
    if unknown:
        note(f"Words that it does not know, and passes over: {listed}.", about="unknown words")
    if len(words) > config.max_length:
        note(f"Only the first {config.max_length} of {len(words):,} words are read.", about="long sentence")
    return " ".join(word for word in words if word not in unknown)


class TextEncoder(nn.Module):
    """Sentences as tokens (B, T) to embeddings φ (B, D) of unit variance.

    Word embeddings, a convolution over three words, a gated recurrent layer in both directions, the mean over the words.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SPECIAL + len(config.vocabulary), config.word_dim, padding_idx=PAD)
        self.convolution = nn.Conv1d(config.word_dim, config.text_hidden, 3, padding=1)
        self.recurrence = nn.GRU(config.text_hidden, config.text_hidden, batch_first=True, bidirectional=True)
        self.projection = nn.Linear(2 * config.text_hidden, config.text_dim)

    def forward(self, tokens: Int[Tensor, "b t"]) -> Float[Tensor, "b d"]:
        real = (tokens != PAD)[..., None]  # (B, T, 1)
        x = self.embedding(tokens) * real
        x = F.relu(self.convolution(x.transpose(1, 2)).transpose(1, 2)) * real
        lengths = real.sum((1, 2)).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        x, _ = nn.utils.rnn.pad_packed_sequence(self.recurrence(packed)[0], batch_first=True)
        mean = x.sum(1) / lengths[:, None].to(x)  # (B, 2 hidden)
        return normalise(self.projection(mean))


class PictureEncoder(nn.Module):
    """Small pictures (B, 3, H, W) in [−1, 1] to embeddings (B, D) of unit variance, to be compared with sentences'."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = config.picture_widths
        self.downsampling = downsampling_layers(widths)
        self.projection = nn.Linear(widths[-1] * (config.small_size // 2 ** len(widths)) ** 2, config.text_dim)
        self.log_scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        x = self.downsampling(images.contiguous(memory_format=torch.channels_last)).flatten(1)
        return normalise(self.projection(x).float())

    def compatibility(self, pictures: Float[Tensor, "b d"], text: Float[Tensor, "n d"]) -> Float[Tensor, "b n"]:
        """How well each picture fits each sentence: the product of their embeddings (equation 3 of Reed et al.), scaled."""
        return self.log_scale.clamp(max=4.0).exp() / pictures.shape[1] * pictures @ text.T


def normalise(x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    """Vectors of the length √D, so that their components have unit variance."""
    return F.normalize(x, dim=1) * x.shape[1] ** 0.5


def matching_loss(logits: Float[Tensor, "b b"]) -> Float[Tensor, ""]:
    """Cross-entropy of telling each picture's sentence among the minibatch's, and each sentence's picture.

    The smooth form of the symmetric objective of Reed et al. (equation 2): there both classifiers' errors, here −log p.
    """
    target = torch.arange(len(logits), device=logits.device)
    return 0.5 * (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target))
