"""What detectors are built of: anchors, a feature pyramid, proposals, box coding, and heads on regions of interest."""

from .instances import Instances

__all__ = ["Instances"]
