"""Measures that several systems share: tensors in, numbers out; no system, no network of our own."""
"""Measures that several systems share."""
