"""Pictures in, sentences out: Show and Tell, and Show, Attend and Tell, with the picture of where it looked for each word."""

from .model import Config
from .system import ImageCaptioner

__all__ = ["Config", "ImageCaptioner"]
