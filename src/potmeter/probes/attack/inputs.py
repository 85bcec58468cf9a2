"""What every attack is given, and what is refused: images in [0, 1], class numbers, a size."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from potmeter.errors import reject
from potmeter.nn.gradient_attacks import Norm


def check_inputs(model: Any, x: Tensor, y: Tensor, eps: float = 0.0, norm: Norm = "linf") -> None:
    """Raise UserError for what no attack can work on.

    Args:
        model: An ``Attackable``; where it says its ``classes`` and ``input_shape``, these are held against the rest.
        x: Images (B, C, H, W) in [0, 1], one or more.
        y: Class numbers (B,) of whole numbers.
        eps: The perturbation allowed: of each value between 0 and 1 (L∞), or in all and not negative (L2).
        norm: What ``eps`` measures.
    """
    norm in ("linf", "l2") or reject("norm is linf or l2.", norm)
    shape: tuple[int, ...] | None = getattr(model, "input_shape", None)
    if shape is not None and tuple(x.shape[1:]) != tuple(shape):
        reject(f"x must have the shape (B, {', '.join(map(str, shape))}).", tuple(x.shape))
    len(x) >= 1 or reject("At least one image is needed.", "none")
    x.is_floating_point() or reject("x must hold numbers between 0 and 1.", x.dtype)
    0 <= float(x.min()) <= float(x.max()) <= 1 or reject("x must lie between 0 and 1.", extent(x))
    tuple(y.shape) == (len(x),) or reject(f"y must hold a class number for each of {len(x)} images.", tuple(y.shape))
    y.dtype == torch.long or reject("y must hold whole numbers (torch.long).", y.dtype)
    classes = getattr(model, "classes", None)
    if classes is not None and not 0 <= int(y.min()) <= int(y.max()) < len(classes):
        reject(f"y must lie between 0 and {len(classes) - 1}.", extent(y))
    most = 1 if norm == "linf" else math.inf
    0 <= eps <= most or reject(f"eps must {'lie between 0 and 1' if most == 1 else 'not be negative'}.", eps)
    math.isfinite(eps) or reject("eps must be finite.", eps)


def extent(x: Tensor) -> str:
    """The least and largest value, for a message."""
    return f"{x.min().item():g} to {x.max().item():g}"
