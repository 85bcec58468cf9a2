"""Pictures in, every thing in them out, with its name and its outline: Mask R-CNN."""

from .model import Config, MaskRCNN
from .system import ObjectDetector

__all__ = ["Config", "MaskRCNN", "ObjectDetector"]
