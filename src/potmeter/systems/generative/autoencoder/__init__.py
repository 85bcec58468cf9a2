"""The autoencoder: a picture squeezed through a few numbers, and drawn again from them."""

from .model import BottleneckAutoencoder, Config
from .system import Autoencoder

__all__ = ["Autoencoder", "BottleneckAutoencoder", "Config"]
