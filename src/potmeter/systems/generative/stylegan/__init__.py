"""StyleGAN: a generator whose styles can be mixed, from the pose down to single hairs."""

from .discriminator import Discriminator
from .model import Config, Generator, Mapping, Synthesis
from .system import StyleGAN

__all__ = ["Config", "Discriminator", "Generator", "Mapping", "StyleGAN", "Synthesis"]
