"""A voice sample by sample: WaveNet speaks a mel spectrogram, or babbles freely."""

from .model import Config, WaveNet
from .system import WaveNetSystem

__all__ = ["Config", "WaveNet", "WaveNetSystem"]
