"""The generative adversarial network: one network draws, another tells drawn from real, and each teaches the other."""

from .model import Config, Discriminator, Generator
from .system import GAN

__all__ = ["GAN", "Config", "Discriminator", "Generator"]
