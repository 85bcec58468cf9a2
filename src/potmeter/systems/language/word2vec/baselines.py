"""What word vectors are measured beside: words without a context, and gensim's word2vec."""

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
from .workers import measure


def unigram_loss(data: Passages, tables: Tables, config: Config) -> float:
    """The mean loss, in nats, of the best that can be said without looking at the context: from how often words occur.

    One number for each question takes the place of the scalar product: of a word, the log odds that it is true rather
    than noise; of an inner node, the log odds of its branches.
    """
    counts = np.array(data.vocabulary.counts, np.float64) * (tables.kept / 2**32)
    shares = counts / counts.sum()  # of the words that are left after thinning out
    if config.negatives:
        scores = np.log(shares / (config.negatives * data.vocabulary.noise()))
    else:
        scores = branch_odds(shares, tables)
    ones = np.ones((len(shares), 1), np.float32)
    losses = measure([ones, scores[:, None].astype(np.float32)], data.passages(), tables, config)
    return float(losses.mean())


def branch_odds(shares: np.ndarray, tables: Tables) -> np.ndarray:
    """The log odds of each inner node's first branch."""
    starts, nodes, branches = tables.tree
    mass = np.zeros((2, len(shares) - 1))
    np.add.at(mass, (branches, nodes), np.repeat(shares, np.diff(starts)))
    return np.log(mass[0] / mass[1])


def gensim_vectors(
    text: np.ndarray, vocabulary: Vocabulary, config: Config, epochs: int, seed: int = 1
) -> np.ndarray | None:
    """Vectors (words, D) by gensim's word2vec, of the same encoded text and settings; kept in the cache folder.

    Returns:
        None where gensim is not installed.
    """
    try:
        import gensim
        from gensim.models import Word2Vec
    except ImportError:
        return None
    chosen = settings(config)
    what = (chosen, vocabulary.words, vocabulary.counts, len(text), epochs, seed, gensim.__version__)
    key = zlib.crc32(repr(what).encode())
    kept = cache_folder() / f"gensim-vectors-{key:08x}.npy"
    if kept.is_file():
        return np.load(kept, allow_pickle=False)  # type: ignore[no-any-return]
    announce(f"training gensim's word2vec on the same text, {epochs} epochs; its vectors are kept in the cache …")
    model = Word2Vec(Lines(text, vocabulary), epochs=epochs, seed=seed, **chosen)
    rows = [model.wv.key_to_index[word] for word in vocabulary.words]
    vectors = np.ascontiguousarray(model.wv.vectors[rows])
    aside = Path(f"{kept}.{os.getpid()}")
    with aside.open("wb") as file:
        np.save(file, vectors)
    aside.replace(kept)
    return vectors


def settings(config: Config, workers: int = 1) -> dict[str, object]:
    """A Config in gensim's words."""
    return {
        "vector_size": config.dimensions,
        "window": config.window,
        "sg": int(config.architecture == "skipgram"),
        "hs": int(config.negatives == 0),
        "negative": config.negatives,
        "sample": config.sample,
        "alpha": config.lr,
        "min_alpha": config.lr * 1e-4,
        "min_count": 1,  # the text holds words of the vocabulary only
        "workers": workers,
    }


class Lines:
    """Encoded text as lists of words, which can be read again and again."""

    def __init__(self, text: np.ndarray, vocabulary: Vocabulary) -> None:
        self.text, self.words = text, vocabulary.words

    def __iter__(self) -> Iterator[list[str]]:
        start = 0
        for end in [*np.flatnonzero(np.asarray(self.text) < 0), len(self.text)]:
            if end > start:
                yield [self.words[n] for n in self.text[start:end].tolist()]
            start = end + 1
