"""Locomotion: an agent learns by trial and error to walk a simulated body, by proximal policy optimisation."""

from .model import Config
from .system import Locomotion

__all__ = ["Config", "Locomotion"]
