"""DeepFakes: the face of one person in the expression of another, by an encoder that both share and a decoder for each."""

from .model import Config
from .system import DeepFakes

__all__ = ["Config", "DeepFakes"]
