"""Adversarial patch: a printed sticker that makes a network see what it says."""

from .expectation import Placement, fixed_placement, paste_patch, random_placements
from .probe import Patch
from .trainable_patch import TrainablePatch

__all__ = ["Patch", "Placement", "TrainablePatch", "fixed_placement", "paste_patch", "random_placements"]
