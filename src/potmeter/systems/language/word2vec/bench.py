"""Speed of the kernel beside gensim's, without locks at equal workers, and what the same result every time costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from potmeter.core.bench import Row, compare, interleave, is_selected
from potmeter.core.machine import matmul_rate

from .baselines import Sentences, gensim_settings
from .kernel import build_tables
from .model import Config, WordVectors
from .system import Word2Vec
from .workers import Workers

WORDS = 400_000
"""Of running text, in one measurement."""
SAMPLES = 3.4 * 6
"""Positive and negative, for each running word: subsampling and the drawn windows leave 3.4 pairs, of six samples each."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    config = Word2Vec.presets["lecture"]
    splits = Word2Vec.data(config)
    config = Word2Vec.fit_config(config, splits)
    text = np.array(splits.train.text[:WORDS])
    for workers in (1, 2):
        if is_selected(what := f"words_per_s_{workers}_workers"):
            rates = interleave(
                {"ours": time_ours(config, text, workers), "gensim": time_gensim(config, text, workers)}, rounds=5
            )
            rate = workers * matmul_rate() / torch.get_num_threads()
            limit = rate / (6 * config.embedding_dim * SAMPLES)  # three products a sample and dimension
            note = "rows are read from the outer caches, at random: bound by memory, far from the arithmetic's rate"
            yield compare(what, "words/s", rates["ours"], rates["gensim"], "gensim", limit=limit, note=note)
    if is_selected(what := "words_per_s_deterministic"):
        replicated = replace(config, replicas=4)
        rates = interleave({"ours": time_ours(replicated, text, 2), "free": time_ours(config, text, 2)}, rounds=5)
        note = "four replicas on two workers, beside two workers without replicas"
        yield compare(what, "words/s", rates["ours"], rates["free"], "without replicas", note=note)


def time_ours(config: Config, text: np.ndarray, workers: int) -> Callable[[], float]:
    """Words a second of our kernel, in steps of ``batch_size``."""
    system = Word2Vec(config)
    threads = Workers(WordVectors(config), build_tables(system.vocabulary, config), config, workers)

    def measure() -> float:
        started = time.perf_counter()
        for start in range(0, len(text), config.batch_size):
            part = text[start : start + config.batch_size]
            threads.step(part, config.lr, np.arange(threads.num_parts(len(part))))
        return float((text >= 0).sum()) / (time.perf_counter() - started)

    return measure


def time_gensim(config: Config, text: np.ndarray, workers: int) -> Callable[[], float]:
    """Words a second of gensim's compiled loop on the same lines, already in memory as lists of words."""
    from gensim.models import Word2Vec as GensimWord2Vec

    lines = [*Sentences(text, Word2Vec(config).vocabulary)]
    model = GensimWord2Vec(**gensim_settings(config, workers))
    model.build_vocab_from_freq(dict(zip(config.vocabulary, config.counts, strict=True)))

    def measure() -> float:
        started = time.perf_counter()
        model.train(lines, total_examples=len(lines), epochs=1)
        return sum(map(len, lines)) / (time.perf_counter() - started)

    return measure
