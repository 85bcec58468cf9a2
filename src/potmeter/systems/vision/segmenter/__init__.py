"""Pictures in, a class for every pixel out: U-Net, from scratch or on MobileNetV2."""

from .model import Config, MobileUNet, UNet
from .system import Segmenter

__all__ = ["Config", "MobileUNet", "Segmenter", "UNet"]
