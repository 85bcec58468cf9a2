"""Walks, analogies and attribute vectors in the latent space of any generator."""

from .diagrams import analogy, jdiagram, mine
from .probe import Latents
from .vectors import Vector, balanced_difference, mean_difference, separating

__all__ = [
    "Latents", "Vector", "analogy", "balanced_difference", "jdiagram", "mean_difference", "mine", "separating",
]  # fmt: skip
