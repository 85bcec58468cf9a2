"""Pictures in, categories out: a small residual network for small pictures, MobileNetV2 for photographs."""

from .model import Config, ResNet
from .system import ImageClassifier

__all__ = ["Config", "ImageClassifier", "ResNet"]
