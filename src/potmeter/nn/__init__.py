"""Blocks that several systems share: pure torch, each usable on its own."""
