"""The variational autoencoder: a latent space in which every point is a picture."""

from .model import Config, VariationalAutoencoder
from .system import VAE

__all__ = ["VAE", "Config", "VariationalAutoencoder"]
