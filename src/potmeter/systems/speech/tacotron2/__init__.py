"""Text in, voice out: Tacotron 2, with the picture of where it looked for each moment of speech."""

from .config import Config
from .system import Tacotron2

__all__ = ["Config", "Tacotron2"]
