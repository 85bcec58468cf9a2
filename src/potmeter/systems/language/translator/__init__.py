"""A sentence in, what it says in another language out: sequence to sequence, with attention or as a Transformer."""

from .model import Config
from .system import Translator

__all__ = ["Config", "Translator"]
