"""The lecture's systems, a folder each."""
