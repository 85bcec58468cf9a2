"""Walks, analogies and attribute vectors in the latent space of any generator."""

from .diagrams import analogy, jdiagram, mine_grid
from .probe import Latents
from .vectors import Vector, balanced_difference, mean_difference, svm_normal

__all__ = [
    "Latents", "Vector", "analogy", "balanced_difference", "jdiagram", "mean_difference", "mine_grid", "svm_normal",
]  # fmt: skip
