"""Networks whose feature maps other networks build on; the public ImageNet weights come from ``data.imagenet_weights``."""

from .efficientnet import EfficientNetLite0
from .mobilenet import MobileNetV2
from .resnet import ResNet50

__all__ = ["EfficientNetLite0", "MobileNetV2", "ResNet50"]
