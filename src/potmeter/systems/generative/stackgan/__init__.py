"""StackGAN: a sentence in, a picture of what it says out, small at first and then large."""

from .config import Config
from .system import StackGAN

__all__ = ["Config", "StackGAN"]
