"""A text in, its continuation out, token by token: GPT-2, small enough to read, trained on any text."""

from .model import Config, Transformer
from .system import GPT2

__all__ = ["GPT2", "Config", "Transformer"]
