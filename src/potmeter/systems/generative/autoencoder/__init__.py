"""The autoencoder: a picture squeezed through a few numbers, and drawn again from them."""

from .model import Bottleneck, Config
from .system import Autoencoder

__all__ = ["Autoencoder", "Bottleneck", "Config"]
