"""The presets of word vectors: sizes and hyper-parameters."""

from __future__ import annotations

from .model import Config

PRESETS = {
    "tiny": Config(
        dataset="synthetic",
        embedding_dim=24,
        subsampling_threshold=0.0,
        min_count=1,
        window=4,
        batch_size=2000,
        lr=0.05,
        replicas=4,
    ),
    "lecture": Config(max_vocab_size=18_000),
    "paper": Config(
        embedding_dim=300, negative_samples=10, subsampling_threshold=1e-5, phrase_passes=2, max_vocab_size=3_000_000
    ),
}
