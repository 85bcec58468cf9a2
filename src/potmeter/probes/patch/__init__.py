"""Adversarial patch: a printed sticker that makes a network see what it says."""

from .canvas import Canvas
from .expectation import Placement, fixed_placement, paste_patch, random_placements
from .probe import Patch

__all__ = ["Canvas", "Patch", "Placement", "fixed_placement", "paste_patch", "random_placements"]
