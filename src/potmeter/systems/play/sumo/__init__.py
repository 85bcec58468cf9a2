"""Sumo: two beetles learn to throw each other out of a ring, by fighting versions of themselves."""

from .model import Config
from .system import Sumo

__all__ = ["Config", "Sumo"]
