"""Measures that several systems share: tensors and texts in, numbers out; no system, no network of our own."""
