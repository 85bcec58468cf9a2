"""The version, in a module that imports nothing, so that every floor may name it."""

__version__ = "0.1.0"
