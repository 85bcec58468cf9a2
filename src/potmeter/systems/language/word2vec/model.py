"""Word vectors: a word is known by the company it keeps, so learn vectors that predict the company.

Mikolov et al., "Efficient Estimation of Word Representations in Vector Space" (arXiv:1301.3781) and "Distributed
Representations of Words and Phrases and their Compositionality" (arXiv:1310.4546); where the papers and the original C
program differ, the program is followed, but that it leaves a tree's scores beyond ±6 as they are (``kernel.MAX_SCORE``).

    score(context, target) = mean of the context's input vectors · the target's output vector

All of it is binary classification: P(positive) = σ(score). In *negative sampling* the true word is the positive sample,
and a few words drawn as noise are the negative ones; in *hierarchical softmax* the targets are the inner nodes on the
word's path down a Huffman tree, positive where the path takes their first branch. *Skip-gram* predicts from each word
of the window alone, *CBOW* from their mean.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Word vectors' sizes and how they are learned; the defaults are those of the original program."""

    dataset: Literal["english", "synthetic", "own data"] = "english"
    """What it is trained on where no --data is given: 43 MB of English prose, or made-up sentences with a known structure; of
    weights that were trained on a text by --data: own data."""
    architecture: Literal["skipgram", "cbow"] = "skipgram"
    """Predict from each word of the window, or once from their mean."""
    negative_samples: Annotated[int, Range(0, 1000)] = 5
    """Negative samples for each positive one; 0 = hierarchical softmax instead."""
    embedding_dim: Annotated[int, Range(1, 10_000)] = 100
    """Dimensions of a word's vector."""
    window: Annotated[int, Range(1, 1000)] = 5
    """Largest context window, in words on each side; for each word a size from 1 to this is drawn."""
    subsampling_threshold: Annotated[float, Range(0)] = 1e-3
    """Words with a larger share of the text than this are skipped now and then, the oftener the larger (the original
    program's ``-sample``); 0 = none are."""
    min_count: Annotated[int, Range(1)] = 5
    """Words that occur less often are left out of the vocabulary."""
    max_vocab_size: Annotated[int, Range(0)] = 0
    """Most words in the vocabulary, the most frequent ones; 0 = no bound. Of a text with more than a million different
    words, and than twice this, the rarest are forgotten while they are counted."""
    phrase_passes: Annotated[int, Range(0)] = 0
    """Passes that join words which belong together, as in united_states; each may join the phrases of the last."""
    phrase_threshold: Annotated[float, Range(0)] = 100.0
    """How much more often than by chance a phrase's words must follow each other."""
    replicas: Annotated[int, Range(0, 64)] = 0
    """Copies of the vectors, each of which learns from a part of every minibatch, and which are then merged: so the result
    does not depend on the number of workers. 0 = all workers update the same vectors without locks (Hogwild)."""
    vocabulary: tuple[str, ...] = ()
    """The words, most frequent first; found in the text where none are given. They are part of the Config, because the size
    of the embedding matrices is their number."""
    counts: tuple[int, ...] = ()
    """How often each of them occurs in the training text."""
    batch_size: Annotated[int, Range(1)] = 40_000
    """Words of running text in one step, over all replicas together."""
    lr: Annotated[float, Range(0, open="low")] = 0.025
    """Peak learning rate; the original's is 0.025 for skip-gram and 0.05 for CBOW."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Learning rate schedule, down to a ten-thousandth."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.max_vocab_size != 1 or reject("max_vocab_size must be 0 or at least 2.", self.max_vocab_size)
        len(self.counts) == len(self.vocabulary) or reject("There must be a count for each word.", len(self.counts))
        len(set(self.vocabulary)) == len(self.vocabulary) or reject("The words must differ.", len(self.vocabulary))
        min(self.counts, default=1) >= 1 or reject("counts must be at least 1.", min(self.counts, default=1))

    def __repr__(self) -> str:
        """As of any dataclass, but thousands of words by their number and a checksum."""
        sums = {name: zlib.crc32(repr(getattr(self, name)).encode()) for name in ("vocabulary", "counts")}
        shown = [
            f"{f.name}=<{len(self.vocabulary)}, crc32 {sums[f.name]:08x}>"
            if f.name in sums
            else f"{f.name}={getattr(self, f.name)!r}"
            for f in fields(self)
        ]
        return f"Config({', '.join(shown)})"


class WordVectors(nn.Module):
    """The two embedding matrices and the loss. The kernel does the same as ``forward`` and its gradient, only faster.

    Args:
        config: With the vocabulary filled in.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        words, dim = len(config.vocabulary), config.embedding_dim
        words >= 2 or reject("A vocabulary has at least two words.", words)
        targets = words if config.negative_samples else words - 1  # a tree has one inner node fewer than leaves
        self.input_vectors = nn.Parameter(torch.empty(words, dim).uniform_(-0.5, 0.5) / dim)
        """The word vectors."""
        self.output_vectors = nn.Parameter(torch.zeros(targets, dim))
        """A vector for each target: a word, or an inner node of the tree."""

    def hidden(self, context: Int[Tensor, "b c"], context_mask: Bool[Tensor, "b c"]) -> Float[Tensor, "b d"]:
        """The mean of the context's input vectors, through which each gets the whole gradient, undivided.

        Args:
            context: Word numbers; skip-gram has one, CBOW up to twice the window.
            context_mask: Which of them count.
        """
        total = (self.input_vectors[context] * context_mask[..., None]).sum(1)
        mean = total / context_mask.sum(1, keepdim=True)
        return total + (mean - total).detach()

    def forward(
        self,
        context: Int[Tensor, "b c"],
        context_mask: Bool[Tensor, "b c"],
        targets: Int[Tensor, "b t"],
        labels: Bool[Tensor, "b t"],
        target_mask: Bool[Tensor, "b t"],
    ) -> Float[Tensor, " b"]:
        """The loss: −Σ log σ(±score) over the targets (arXiv:1310.4546, eq. 4; eq. 3 along a path), in nats.

        Args:
            context, context_mask: As for ``hidden``.
            targets: Rows of ``output_vectors``: the positive and negative samples, or the inner nodes of the word's path.
            labels: Which are positive.
            target_mask: Which of them count.
        """
        scores = torch.einsum("bd,btd->bt", self.hidden(context, context_mask), self.output_vectors[targets])
        return -(F.logsigmoid(torch.where(labels, scores, -scores)) * target_mask).sum(1)
