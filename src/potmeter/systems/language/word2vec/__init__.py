"""Word vectors: words with similar contexts land close together."""

from .model import Config, WordVectors
from .system import Word2Vec

__all__ = ["Config", "Word2Vec", "WordVectors"]
