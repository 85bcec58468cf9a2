"""Colours that a printer can print: every pixel is a halftone of cyan, magenta and yellow ink, and so is every patch.

The rule is Neugebauer's (1937): dots of three inks that cover the shares c, m and y of the paper at random make eight
colours, each on a share of it that is the product of the inks' own (Demichel's equation), and the eye mixes them. They
are mixed here as sRGB values, which is Yule and Nielsen's correction (1951, n ≈ 2.2) for the light that spreads in the
paper. So nothing outside the printer's gamut can ever be asked for, and no penalty has to be weighed.
"""

from __future__ import annotations

import torch
from torch import Tensor

PRIMARIES = torch.tensor(
    [
        *([255, 255, 255], [0, 176, 240], [237, 39, 144], [63, 64, 150]),
        *([255, 242, 21], [0, 168, 90], [238, 51, 56], [55, 53, 53]),
    ]
).div(255)
"""sRGB of paper, C, M, C+M, Y, C+Y, M+Y and black: coated paper by the SWOP profile that comes with Ghostscript
(``default_cmyk.icc``, relative to the paper's white). For C+M+Y stands the black ink, which printers put in its place."""


def mix_inks(inks: Tensor) -> Tensor:
    """The colours of printed inks.

    Args:
        inks: Coverages (3, H, W) by cyan, magenta and yellow, in [0, 1].

    Returns:
        (3, H, W) in [0, 1].

    Example:
        >>> (mix_inks(torch.tensor([0.0, 1.0, 1.0]).view(3, 1, 1)) * 255).flatten().tolist()  # magenta and yellow: red
        [238.0, 51.0, 56.0]
    """
    shares = torch.ones_like(inks[:1])
    for ink in inks:  # cyan first, so that it is the lowest bit of a primary's number
        shares = torch.cat([shares * (1 - ink), shares * ink])  # (2, 4, 8; H, W)
    return torch.einsum("phw,pc->chw", shares, PRIMARIES.to(inks))


def separate_inks(colours: Tensor, steps: int = 200) -> Tensor:
    """The inks whose colours come nearest to a picture's, in the squared error of its sRGB values.

    Args:
        colours: (3, H, W) in [0, 1].
        steps: Of gradient descent.

    Returns:
        Coverages (3, H, W), in [0, 1].
    """
    with torch.enable_grad():
        inks = (1 - colours).clamp(0.02, 0.98).logit().requires_grad_()
        adam = torch.optim.Adam([inks], lr=0.1)
        for _ in range(steps):
            loss = (mix_inks(inks.sigmoid()) - colours).square().sum()
            (inks.grad,) = torch.autograd.grad(loss, inks)
            adam.step()
    return inks.detach().sigmoid()
