"""One latent space of a generator, by its capabilities alone: codes are sampled in it, encoded into it, and decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from potmeter.core.capabilities import Encoder
from potmeter.core.devices import device_of
from potmeter.core.random import RandomStream
from potmeter.errors import reject
from potmeter.media import Image
from potmeter.media.image_batch import to_batch

Interpolation = Literal["slerp", "lerp"]

BATCH = 100
"""Codes that are decoded at once."""
CENTRE_SAMPLES, CENTRE_TOLERANCE = 500, 0.25
"""Codes that are sampled to see whether they lie around the origin: the norm of their mean, as a share of their mean
norm, is then less than this."""


@dataclass(frozen=True)
class Space:
    """A latent space of a generator.

    Args:
        model: The generator.
        name: One of its ``latent_spaces``.
    """

    model: Any
    name: str

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Codes (n, d), spread as the prior spreads them in this space."""
        rng = RandomStream(seed, device=self.device)
        return self.model.sample(n, rng, **self.space_kwargs).to(self.device)  # type: ignore[no-any-return]

    def decode(self, codes: Tensor) -> Tensor:
        """The pictures (N, C, H, W) of codes (N, d)."""
        return torch.cat([self.model.decode(part, **self.space_kwargs) for part in codes.split(BATCH)])

    def encode(self, images: Tensor) -> Tensor:
        """The codes (N, d) of pictures (N, C, H, W). Raises UserError when the generator is no Encoder."""
        if not isinstance(self.model, Encoder):
            reject(f"{self.model_name} is no Encoder: it finds no code of a given picture.", self.model_name)
        return self.model.encode(images.to(self.device), **self.space_kwargs)  # type: ignore[no-any-return]

    def codes(self, images: Sequence[Image] | None, count: int, seed: int) -> Tensor:
        """Codes (N, d) of given pictures, or ``count`` that are sampled."""
        return self.sample(count, seed) if images is None else self.encode(self.inputs(images))

    def three_codes(
        self, a: Image | None, b: Image | None, c: Image | None, seed: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Codes (d,) of three pictures; sampled in place of those that are missing."""
        one, two, three = (
            code if image is None else self.codes([image], 1, seed)[0]
            for code, image in zip(self.sample(3, seed), (a, b, c), strict=True)
        )
        return one, two, three

    def inputs(self, images: Sequence[Image]) -> Tensor:
        """A user's pictures as the generator takes them, (B, C, H, W)."""
        own = getattr(self.model, "inputs", None)  # a system may know more, as that digits are light on dark
        channels, height, width = self.shape
        x: Tensor = own(list(images)) if own else to_batch(images, (height, width), channels)
        return x.to(self.device)

    @property
    def size(self) -> int:
        """Numbers in a code."""
        return int(self.model.latent_spaces[self.name])

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures."""
        _, *shape = self.decode(self.sample(1)).shape
        return tuple(shape)  # type: ignore[return-value]

    @cached_property
    def interpolation(self) -> Interpolation:
        """How to walk: along the sphere where codes lie around the origin, else straight."""
        codes = self.sample(CENTRE_SAMPLES)
        return "slerp" if codes.mean(0).norm() < CENTRE_TOLERANCE * codes.norm(dim=1).mean() else "lerp"

    @property
    def space_kwargs(self) -> dict[str, str]:
        """The argument that names it to the model: none for the default space, which simple generators need not name."""
        return {} if self.name == next(iter(self.model.latent_spaces)) else {"space": self.name}

    @property
    def model_name(self) -> str:
        """What the model is called."""
        return str(getattr(self.model, "name", type(self.model).__name__))

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return device_of(self.model)


class Pixels:
    """Pictures as their own codes: a generator without a network, for a real one to beat.

    Args:
        shape: (C, H, W).
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def encode(self, images: Tensor) -> Tensor:
        """Pictures (N, C, H, W) as vectors (N, C · H · W)."""
        return images.flatten(1)

    def decode(self, z: Tensor) -> Tensor:
        """Vectors (N, C · H · W) as pictures (N, C, H, W), clipped to [0, 1]."""
        return z.unflatten(1, self.shape).clamp(0, 1)
