"""Unpaired translation: a picture in one style in, the same in another style out, without ever having seen a pair."""

from .model import Config
from .system import UNIT

__all__ = ["UNIT", "Config"]
