"""Pictures as numbers to be optimised: Fourier coefficients with a natural spectrum, in decorrelated colours.

Olah, Mordvintsev and Schubert, "Feature Visualization" (Distill 2017), section "Preconditioning and Parameterization":
the steepest ascent depends on the metric, and in this one neighbouring pixels and colours go together, as in photos.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.random import RandomStream
from potmeter.errors import reject

COLOURS = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
"""Square root of the covariance of red, green and blue over ImageNet's pixels, by its singular value decomposition, as
lucid publishes it: column by column lightness, then warm against cold, then green against purple."""

SOFTNESS = 4.0
"""Divides the values before the sigmoid, so that a picture starts with little contrast."""


def colour_matrix() -> Float[Tensor, "3 3"]:
    """From decorrelated colours to red, green and blue: ``COLOURS``, its longest column brought to length 1."""
    return COLOURS / COLOURS.norm(dim=0).max()


def fft_frequencies(height: int, width: int) -> Float[Tensor, "h half"]:
    """Cycles per pixel of each coefficient of a real picture's Fourier transform."""
    return torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])


class ImageParametrisation(nn.Module):
    """Pictures that an optimiser can change: ``forward`` gives them, in (0, 1).

    Args:
        shape: (B, C, H, W), C = 1 or 3.
        background: (C,) in (0, 1), the colour of a picture whose numbers are all 0; default: grey.
    """

    background: Tensor

    def __init__(self, shape: tuple[int, int, int, int], background: Tensor | None = None) -> None:
        super().__init__()
        shape[1] in (1, 3) or reject("Pictures have 1 or 3 channels.", shape[1])
        min(shape) >= 1 or reject("A picture has at least one pixel.", shape)
        self.shape = shape
        background = torch.full((shape[1],), 0.5) if background is None else background.detach().flatten().cpu()
        self.register_buffer("background", background.clamp(0.01, 0.99).logit()[:, None, None])

    def values(self) -> Float[Tensor, "b c h w"]:
        """The unbounded values."""
        raise NotImplementedError

    def forward(self) -> Float[Tensor, "b c h w"]:
        return torch.sigmoid(self.values() + self.background)


class FourierImage(ImageParametrisation):
    """Pictures by their Fourier coefficients, each divided by its frequency.

    x = irfft2(s · coefficient) / 4 with s = 1 / max(f, 1 / max(H, W))^decay and orthonormal transforms: equal steps of
    all coefficients change a picture by a 1/f spectrum, that of photos.

    Args:
        shape, background: As of ``ImageParametrisation``.
        rng: Where the first coefficients are drawn from.
        decay: The exponent.
        deviation: Of the first coefficients.
    """

    scale: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        background: Tensor | None = None,
        *,
        rng: RandomStream,
        decay: float = 1.0,
        deviation: float = 0.01,
    ) -> None:
        super().__init__(shape, background)
        height, width = shape[2:]
        f = fft_frequencies(height, width)
        self.register_buffer("scale", f.clamp(min=1 / max(height, width)) ** -decay)
        self.spectrum = nn.Parameter(deviation * rng.normal(*shape[:2], *f.shape, 2))  # real and imaginary parts

    def values(self) -> Float[Tensor, "b c h w"]:
        scaled = torch.view_as_complex(self.spectrum) * self.scale
        x = torch.fft.irfft2(scaled, s=self.shape[2:], norm="ortho") / SOFTNESS  # (B, C, H, W)
        return x if self.shape[1] == 1 else torch.einsum("rc,bchw->brhw", colour_matrix().to(x), x)


class PixelImage(ImageParametrisation):
    """Pictures by their pixels: what one would try first, and what gives noise.

    Args:
        shape, background: As of ``ImageParametrisation``.
        rng: Where the first pixels are drawn from.
        deviation: Of the first pixels.
    """

    def __init__(
        self,
        shape: tuple[int, int, int, int],
        background: Tensor | None = None,
        *,
        rng: RandomStream,
        deviation: float = 0.01,
    ) -> None:
        super().__init__(shape, background)
        self.pixels = nn.Parameter(deviation * rng.normal(*shape))

    def values(self) -> Float[Tensor, "b c h w"]:
        return self.pixels
