"""Word vectors: a word is known by the company it keeps, so learn vectors that tell the company.

Mikolov et al., "Efficient Estimation of Word Representations in Vector Space" (arXiv:1301.3781) and "Distributed
Representations of Words and Phrases and their Compositionality" (arXiv:1310.4546); where the papers and the original C
program differ, the program is followed, but that it leaves a tree's scores beyond ±6 as they are (``kernel.BOUND``).

    score(context, asked) = mean of the context's input vectors · output vector of what is asked

Everything is a yes/no question: P(yes) = σ(score). *Negative sampling* asks of the true word and of a few drawn as
noise whether they were there; *hierarchical softmax* asks at each fork of the word's way down a Huffman tree which
branch to take. *Skip-gram* asks with each word of the window alone, *CBOW* with their mean.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from potmeter.core.config import Recipe
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(Recipe):
    """Word vectors' sizes and how they are learned; the defaults are those of the original program."""

    dataset: Literal["english", "planted", "own data"] = "english"
    """What it is trained on where no --data is given: 43 MB of English prose, or a made-up text with a known structure; of
    weights that were trained on a text by --data: own data."""
    architecture: Literal["skipgram", "cbow"] = "skipgram"
    """Ask with each word of the window, or once with their mean."""
    negatives: int = 5
    """Noise words for each true one; 0 = hierarchical softmax instead."""
    dimensions: int = 100
    """Length of a word's vector."""
    window: int = 5
    """Words on each side that count as context; for each word a number from 1 to this is drawn."""
    sample: float = 1e-3
    """Words with a larger share of the text are thinned out; 0 = none are."""
    min_count: int = 5
    """Rarer words are left out."""
    size: int = 0
    """Most words in the vocabulary, the most frequent ones; 0 = no bound. Of a text with more than a million different
    words, and than twice this, the rarest are forgotten while they are counted."""
    phrases: int = 0
    """Passes that join words which belong together, as in united_states; each may join those of the last."""
    threshold: float = 100.0
    """How much more often than by chance a phrase's words must follow each other."""
    lanes: int = 0
    """Parts of a step that are learned side by side, each on vectors of its own, and then brought together: so the result
    does not depend on how many workers share them. 0 = all workers change the same vectors without locks (Hogwild)."""
    vocabulary: tuple[str, ...] = ()
    """The words, most frequent first; found in the text where none are given."""
    counts: tuple[int, ...] = ()
    """How often each of them occurs."""
    batch_size: Annotated[int, Range(1)] = 40_000
    """Words of running text in one step, over all lanes together."""
    lr: Annotated[float, Range(0, open="low")] = 0.025
    """Peak learning rate; the original's is 0.025 for skip-gram and 0.05 for CBOW."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate falls, down to a ten-thousandth."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("dimensions", "window", "min_count"):
            getattr(self, name) >= 1 or reject(f"{name} must be at least 1.", getattr(self, name))
        for name in ("negatives", "size", "phrases", "lanes", "sample", "threshold"):
            getattr(self, name) >= 0 or reject(f"{name} must not be negative.", getattr(self, name))
        self.dimensions <= 10_000 or reject("dimensions must be at most 10000.", self.dimensions)
        self.window <= 1000 or reject("window must be at most 1000.", self.window)
        self.negatives <= 1000 or reject("negatives must be at most 1000.", self.negatives)
        self.lanes <= 64 or reject("lanes must be at most 64.", self.lanes)
        self.size != 1 or reject("size must be 0 or at least 2.", self.size)
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
    """The two matrices, and what is asked of them. The kernel does the same as ``forward`` and its gradient, only faster.

    Args:
        config: With the vocabulary filled in.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        words, size = len(config.vocabulary), config.dimensions
        words >= 2 or reject("A vocabulary has at least two words.", words)
        asked = words if config.negatives else words - 1  # a tree has one inner node fewer than leaves
        self.inputs = nn.Parameter(torch.empty(words, size).uniform_(-0.5, 0.5) / size)
        """The word vectors."""
        self.outputs = nn.Parameter(torch.zeros(asked, size))
        """A vector for each word (or inner node) that can be asked about."""

    def hidden(self, context: Int[Tensor, "b c"], there: Bool[Tensor, "b c"]) -> Float[Tensor, "b d"]:
        """The mean of the context's vectors, through which each gets the whole gradient, undivided.

        Args:
            context: Word numbers; skip-gram has one, CBOW up to twice the window.
            there: Which of them count.
        """
        total = (self.inputs[context] * there[..., None]).sum(1)
        mean = total / there.sum(1, keepdim=True)
        return total + (mean - total).detach()

    def forward(
        self,
        context: Int[Tensor, "b c"],
        there: Bool[Tensor, "b c"],
        asked: Int[Tensor, "b q"],
        yes: Bool[Tensor, "b q"],
        counts: Bool[Tensor, "b q"],
    ) -> Float[Tensor, " b"]:
        """The loss: −Σ log σ(±score) over the questions (arXiv:1310.4546, eq. 4; eq. 3 along a path), in nats.

        Args:
            context, there: As for ``hidden``.
            asked: Rows of ``outputs``: the true word and the noise, or the inner nodes of the word's path.
            yes: The right answers.
            counts: Which questions count.
        """
        score = torch.einsum("bd,bqd->bq", self.hidden(context, there), self.outputs[asked])
        return -(F.logsigmoid(torch.where(yes, score, -score)) * counts).sum(1)
