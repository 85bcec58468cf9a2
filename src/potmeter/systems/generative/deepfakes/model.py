"""The network of DeepFakes: one encoder for all faces, and a decoder for each identity.

What the encoder keeps of a face must do for every decoder, so that it is the pose, the expression and the light; who it is
stands in the decoder. The first program of this kind was published anonymously in 2017; the architecture is that of
faceswap's "original" model. Beside it stands a detector, which learns to tell the swapped faces from untouched ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.config import BaseConfig
from potmeter.core.signature import Range
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class Config(BaseConfig):
    """Sizes of the networks, and how they are trained."""

    dataset: str = "people"
    """What it is trained on where no --data is given: people, or drawn-people."""
    image_size: Annotated[int, Range(8)] = 64
    """Side of the crops of faces in pixels."""
    filters: Annotated[tuple[int, ...], Range(1)] = (128, 256, 512, 1024)
    """Channels after each of the encoder's strided convolutions, finest first."""
    code_dim: Annotated[int, Range(1)] = 1024
    """Dimension of the code that a face is squeezed through."""
    shared_filters: Annotated[int, Range(1)] = 512
    """Channels after the first upscaling, which all identities share."""
    decoder_filters: Annotated[tuple[int, ...], Range(1)] = (256, 128, 64)
    """Channels after each upscaling of a decoder."""
    padding: Literal["torch", "keras"] = "torch"
    """Padding of the encoder's strided convolutions: 2 pixels on each side, or, as Keras' "same", 1 before and 2 after."""
    identities: tuple[str, ...] = ()
    """Whose faces it draws; set from the data."""
    ssim_weight: Annotated[float, Range(0)] = 0.5
    """Weight of the structural dissimilarity beside the absolute error."""
    background: Annotated[float, Range(0, 1)] = 0.1
    """Weight of the error outside of the face, against 1 inside."""
    warp: Annotated[float, Range(0, 0.2)] = 0.04
    """By how much the faces that go in are warped: deviation of a 5 × 5 grid's points, as a share of the side."""
    anneal: Annotated[float, Range(0, 1)] = 0.0
    """Share of the training over which warping and jitter fall to a fifth, so that what is drawn gets sharp; 0 = they stay."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the convolutions in training; bfloat16: mixed precision where it is faster, on GPUs and CPUs with AMX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.image_size % 2 ** len(self.filters) or not self.filters:
            reject("The side is halved by each strided convolution.", f"{self.image_size}, {len(self.filters)} of them")
        if len(self.decoder_filters) != len(self.filters) - 1:
            reject("A decoder has one upscaling less than the encoder has convolutions.", self.decoder_filters)


class Upscale(nn.Module):
    """A convolution to four times the channels, which become pixels (Shi et al., arXiv:1609.05158)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, 4 * after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.leaky_relu(self.conv(x), 0.1), 2)


class Encoder(nn.Module):
    """A face as a small feature map, through a bottleneck without places."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.side = config.image_size // 2 ** len(config.filters)
        self.edges = (2, 2, 2, 2) if config.padding == "torch" else (1, 2, 1, 2)
        widths = pairwise((3, *config.filters))
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 5, 2) for before, after in widths)
        flat = config.filters[-1] * self.side**2
        self.to_code = nn.Linear(flat, config.code_dim)
        self.from_code = nn.Linear(config.code_dim, flat)
        self.upscale = Upscale(config.filters[-1], config.shared_filters)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        for conv in self.convs:
            x = F.leaky_relu(conv(F.pad(x, self.edges)), 0.1)
        x = self.from_code(self.to_code(x.flatten(1)))
        return self.upscale(x.view(len(x), -1, self.side, self.side))  # (B, shared_filters, 2 side, 2 side)


class Decoder(nn.Module):
    """One identity's face from the encoder's feature map."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths = (config.shared_filters, *config.decoder_filters)
        self.upscales = nn.ModuleList(Upscale(before, after) for before, after in pairwise(widths))
        self.to_rgb = nn.Conv2d(widths[-1], 3, 5, padding=2)

    def forward(self, x: Tensor) -> Float[Tensor, "b 3 h w"]:
        for upscale in self.upscales:
            x = upscale(x)
        return self.to_rgb(x).sigmoid()


class FaceSwapper(nn.Module):
    """The shared encoder and a decoder for each identity."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.decoders = nn.ModuleList(Decoder(config) for _ in config.identities)

    def forward(self, faces: Float[Tensor, "b 3 h w"], identity: Tensor) -> Float[Tensor, "b 3 h w"]:
        """Each face as that of an identity, int64 (B,). Raises UserError for an identity without a decoder."""
        unknown = identity[(identity < 0) | (identity >= len(self.decoders))]
        len(unknown) == 0 or reject(f"There are decoders 0 to {len(self.decoders) - 1}.", unknown.tolist())
        features = self.encoder(faces)
        drawn = torch.empty_like(faces)
        for number, decoder in enumerate(self.decoders):
            chosen = (identity == number).nonzero()[:, 0]
            if len(chosen):
                drawn = drawn.index_copy(0, chosen, decoder(features[chosen]).to(faces.dtype))
        return drawn


class Detector(nn.Module):
    """Whether a face was swapped, as a logit: small filters over the whole crop, averaged."""

    FILTERS = (24, 48, 64)

    def __init__(self) -> None:
        super().__init__()
        widths = pairwise((3, *self.FILTERS))
        self.convs = nn.ModuleList(nn.Conv2d(before, after, 5, 2, 2) for before, after in widths)
        self.to_logit = nn.Linear(self.FILTERS[-1], 1)

    def forward(self, faces: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
        x = 2 * faces - 1
        for conv in self.convs:
            x = F.leaky_relu(conv(x), 0.1)
        return self.to_logit(x.mean((2, 3)))[:, 0]
