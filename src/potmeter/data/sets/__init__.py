"""Data sets by name: one record each, and the readers of their packages."""
