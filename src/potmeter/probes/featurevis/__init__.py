"""Feature visualisation: pictures that show what a part of a network looks for."""

from .probe import FeatureVisualisation

__all__ = ["FeatureVisualisation"]
