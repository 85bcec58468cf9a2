"""Walks, analogies and attribute vectors in the latent space of any generator."""

from .paths import analogy, jdiagram, lerp, mine, slerp
from .probe import Latents
from .vectors import Vector, balanced_difference, mean_difference, separating

__all__ = [
    "Latents", "Vector", "analogy", "balanced_difference", "jdiagram", "lerp", "mean_difference", "mine",
    "separating", "slerp",
]  # fmt: skip
