"""A picture in, the surface of every person's body out: DensePose."""

from .model import Config, DensePoseRCNN
from .system import DensePose

__all__ = ["Config", "DensePose", "DensePoseRCNN"]
