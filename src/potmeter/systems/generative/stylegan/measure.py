"""How good the pictures are, and how straight the two latent spaces."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from potmeter.core.random import Stream
from potmeter.data.batches import in_batches
from potmeter.data.splits import take_evenly
from potmeter.metrics.path_length import perceptual_path_length
from potmeter.metrics.separability import attribute_logits, linear_separability
from potmeter.systems.generative.judge import Judge

if TYPE_CHECKING:
    from .system import StyleGAN

CHUNK = 50
"""Pictures made at once."""


@torch.no_grad()
def distances(system: StyleGAN, data: Any, count: int, *, floor: bool = False) -> dict[str, Tensor]:
    """``fid``, the Fréchet distance of made from real pictures, as many of each, and ``covered``, the share of real ones
    with a made one among their neighbours, both in the judge's features and without truncation.

    With ``floor``, real pictures are every other one of ``data``, and ``fid_real_real`` is their distance from those between.
    """
    judge = judge_of(system)
    real, others = judge.of(data, count), None
    if floor:
        real, others = real[0::2], real[1::2]
    z = system.sample(len(real), Stream(0, device=system.device))
    compared = judge.compared(torch.cat([judge.features(system.decode(part)) for part in z.split(CHUNK)]), real, others)
    values = {"fid": compared["distance"], "covered": compared["covered"]}
    if floor:
        values["fid_real_real"] = compared["floor"]
    return values


@torch.no_grad()
def straightness(system: StyleGAN, data: Any, paths: int, points: int) -> dict[str, Tensor]:
    """Perceptual path lengths, ``ppl_z`` and ``ppl_w``; ``separability_z`` and ``separability_w`` where labels differ."""
    judge, rng = judge_of(system), Stream(1, device=system.device)
    a, b, share = system.sample(paths, rng), system.sample(paths, rng), rng.uniform(paths)
    ends = {"z": (a, b), "w": (system.generator.mapping(a), system.generator.mapping(b))}
    values = {}
    for space, (start, end) in ends.items():
        seen = partial(seen_in, system, judge, space)
        values[f"ppl_{space}"] = perceptual_path_length(seen, start, end, share, spherical=space == "z")
    attributes = attributes_of(data, 2000)
    if attributes is not None:
        z = system.sample(points, rng)
        made = torch.cat([judge.features(system.decode(part)) for part in z.split(CHUNK)])
        scores = attribute_logits(judge.of(data, 2000), attributes, made)
        spaces = {"z": z, "w": system.generator.mapping(z)} if scores.numel() else {}
        for space, latents in spaces.items():
            values[f"separability_{space}"] = torch.tensor(linear_separability(latents, scores))
    return values


def seen_in(system: StyleGAN, judge: Judge, space: str, latents: Tensor) -> Tensor:
    """What the judge sees in the pictures of vectors of a space."""
    return judge.features(system.decode(latents, space))


def attributes_of(data: Any, count: int) -> Tensor | None:
    """What pictures are labelled with, yes or no (N, attributes): their attributes, or a column for each class."""
    parts = list(in_batches(take_evenly(data, count), 500))
    if "attributes" in parts[0]:
        return torch.cat([part["attributes"].float() for part in parts])
    if "label" in parts[0]:
        return torch.nn.functional.one_hot(torch.cat([part["label"] for part in parts])).float()
    return None


def judge_of(system: StyleGAN) -> Judge:
    """The network that judges the system's pictures."""
    return Judge(system.config.judge, system.config.judge_size, system.device)
