"""Adversarial patch: a printed sticker that makes a network see what it says."""

from .canvas import Canvas
from .expectation import Placement, anywhere, fixed, paste
from .probe import Patch

__all__ = ["Canvas", "Patch", "Placement", "anywhere", "fixed", "paste"]
