"""What word vectors are measured beside: predictions without a context, and gensim's word2vec."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from potmeter.data.fetching.clients import announce
from potmeter.data.fetching.fetch import cache_folder

from .corpus import Passages
from .kernel import Tables
from .model import Config
from .vocabulary import Vocabulary
from .workers import passage_losses


def unigram_loss(data: Passages, tables: Tables, config: Config) -> float:
    """The mean loss, in nats, of the best prediction that does not look at the context: from how often words occur.

    One number for each target takes the place of the scalar product: of a word, the log odds that it is a positive sample
    rather than noise; of an inner node, the log odds of its branches.
    """
    counts = np.array(data.vocabulary.counts, np.float64) * (tables.keep / 2**32)
    shares = counts / counts.sum()  # of the words that subsampling keeps
    if config.negative_samples:
        scores = np.log(shares / (config.negative_samples * data.vocabulary.noise_distribution()))
    else:
        scores = branch_log_odds(shares, tables)
    ones = np.ones((len(shares), 1), np.float32)
    losses = passage_losses([ones, scores[:, None].astype(np.float32)], data.passages(), tables, config)
    return float(losses.mean())


def branch_log_odds(shares: np.ndarray, tables: Tables) -> np.ndarray:
    """The log odds of each inner node's first branch."""
    starts, nodes, branches = tables.tree
    mass = np.zeros((2, len(shares) - 1))
    np.add.at(mass, (branches, nodes), np.repeat(shares, np.diff(starts)))
    return np.log(mass[0] / mass[1])


def train_gensim(
    text: np.ndarray, vocabulary: Vocabulary, config: Config, epochs: int, seed: int = 1
) -> np.ndarray | None:
    """Vectors (words, D) by gensim's word2vec, of the same encoded text and settings; cached on disk.

    Returns:
        None where gensim is not installed.
    """
    try:
        import gensim
        from gensim.models import Word2Vec
    except ImportError:
        return None
    settings = gensim_settings(config)
    key = (settings, vocabulary.words, vocabulary.counts, len(text), epochs, seed, gensim.__version__)
    path = cache_folder() / f"gensim-vectors-{zlib.crc32(repr(key).encode()):08x}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)  # type: ignore[no-any-return]
    announce(f"training gensim's word2vec on the same text, {epochs} epochs; its vectors are kept in the cache …")
    model = Word2Vec(Sentences(text, vocabulary), epochs=epochs, seed=seed, **settings)
    rows = [model.wv.key_to_index[word] for word in vocabulary.words]
    vectors = np.ascontiguousarray(model.wv.vectors[rows])
    temporary = Path(f"{path}.{os.getpid()}")
    with temporary.open("wb") as file:
        np.save(file, vectors)
    temporary.replace(path)
    return vectors


def gensim_settings(config: Config, workers: int = 1) -> dict[str, object]:
    """A Config in gensim's words."""
    return {
        "vector_size": config.embedding_dim,
        "window": config.window,
        "sg": int(config.architecture == "skipgram"),
        "hs": int(config.negative_samples == 0),
        "negative": config.negative_samples,
        "sample": config.subsampling_threshold,
        "alpha": config.lr,
        "min_alpha": config.lr * 1e-4,
        "min_count": 1,  # the text holds words of the vocabulary only
        "workers": workers,
    }


class Sentences:
    """Encoded text as lists of words, which can be read again and again."""

    def __init__(self, text: np.ndarray, vocabulary: Vocabulary) -> None:
        self.text, self.words = text, vocabulary.words

    def __iter__(self) -> Iterator[list[str]]:
        start = 0
        for end in [*np.flatnonzero(np.asarray(self.text) < 0), len(self.text)]:
            if end > start:
                yield [self.words[n] for n in self.text[start:end].tolist()]
            start = end + 1
