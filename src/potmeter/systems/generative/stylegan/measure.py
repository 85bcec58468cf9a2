"""How straight the two latent spaces are: perceptual path lengths, and linear separability of attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.splits import take_evenly
from potmeter.metrics.path_length import perceptual_path_length
from potmeter.metrics.separability import attribute_logits, linear_separability
from potmeter.systems.generative.feature_extractor import FeatureExtractor

Decode = Callable[[Tensor], Tensor]
"""From latent vectors (B, latent) to pictures (B, C, H, W) in [0, 1]."""
BATCH = 50
"""Pictures generated at once."""
LABELLED = 2000
"""Real pictures from whose attributes those of the generated ones are learned."""


@torch.no_grad()
def measure_path_lengths(
    extractor: FeatureExtractor, ends: Mapping[str, tuple[Tensor, Tensor]], share: Tensor, decode: Mapping[str, Decode]
) -> dict[str, Tensor]:
    """Perceptual path lengths, ``ppl_z`` along arcs and ``ppl_w`` along straight lines (Karras et al. 2018, section 4.1).

    Args:
        extractor: The network in whose features they are measured.
        ends: For each space, the latent vectors (N, latent) that paths begin and end at.
        share: Where on its path each length is measured (N,), 0 to 1.
        decode: For each space, the generator.
    """
    lengths = {}
    for space, (start, end) in ends.items():
        embed = partial(embed_latents, extractor, decode[space])
        lengths[f"ppl_{space}"] = perceptual_path_length(embed, start, end, share, spherical=space == "z")
    return lengths


def embed_latents(extractor: FeatureExtractor, decode: Decode, latents: Tensor) -> Tensor:
    """Features (B, F) of the pictures of latent vectors (B, latent)."""
    return extractor.features(decode(latents))


@torch.no_grad()
def measure_separability(
    extractor: FeatureExtractor, data: Any, latents: Mapping[str, Tensor], decode: Decode
) -> dict[str, Tensor]:
    """Linear separability, ``separability_z`` and ``separability_w`` (section 4.2); nothing where no labels differ.

    Args:
        extractor: The network in whose features the attributes of generated pictures are told.
        data: Real pictures with attributes or classes.
        latents: For each space, the vectors (N, latent) of the same pictures.
        decode: The generator, from the first of the spaces.
    """
    attributes = read_attributes(data, LABELLED)
    if attributes is None:
        return {}
    z = next(iter(latents.values()))
    fake = torch.cat([embed_latents(extractor, decode, part) for part in z.split(BATCH)])
    logits = attribute_logits(extractor.features_of(data, LABELLED), attributes, fake)
    spaces = latents if logits.numel() else {}
    return {f"separability_{space}": torch.tensor(linear_separability(z, logits)) for space, z in spaces.items()}


def read_attributes(data: Any, count: int) -> Tensor | None:
    """What pictures are labelled with, yes or no (N, attributes): their attributes, or a column for each class."""
    parts = list(in_batches(take_evenly(data, count), 500))
    if "attributes" in parts[0]:
        return torch.cat([part["attributes"].float() for part in parts])
    if "label" in parts[0]:
        return torch.nn.functional.one_hot(torch.cat([part["label"] for part in parts])).float()
    return None
