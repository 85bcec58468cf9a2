"""Fast style transfer: a photograph in, the same scene in the manner of a painting out."""

from .model import Config
from .system import StyleTransfer

__all__ = ["Config", "StyleTransfer"]
