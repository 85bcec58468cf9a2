"""Packages of public registries: download, verify, unpack."""
