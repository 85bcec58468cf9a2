"""The redirected ReLU: a unit that is switched off everywhere still tells the first steps which way is up.

As in lucid (Olah et al. 2017): where a picture's gradient behind a ReLU is 0, it is replaced by the gradient of the
identity, but for those units that a step would push further into the flat part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class RedirectedReLUFunction(torch.autograd.Function):
    """min(max(x, 0), upper) with the redirected gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, upper: float) -> Tensor:
        ctx.save_for_backward(x < 0, x > upper)
        return x.clamp(0, None if math.isinf(upper) else upper)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,), (low, high) = gradients, ctx.saved_tensors
        plain = gradient.masked_fill(low | high, 0)
        inward = gradient.masked_fill(
            (low & (gradient > 0)) | (high & (gradient < 0)), 0
        )  # the loss falls along −gradient
        dead = plain.flatten(1).abs().amax(1) == 0  # (B,)
        return torch.where(dead.view(-1, *[1] * (gradient.ndim - 1)), inward, plain), None


UPPER_BOUNDS: dict[Callable[..., Any], float] = {
    F.relu: math.inf,
    F.relu_: math.inf,
    F.relu6: 6.0,
    torch.relu: math.inf,
    torch.relu_: math.inf,
    Tensor.relu: math.inf,
    Tensor.relu_: math.inf,
}
"""The functions that are replaced, and the largest value of each: 6 of ReLU6."""
IN_PLACE = (F.relu_, torch.relu_, Tensor.relu_)


class RedirectedReLU(TorchFunctionMode):
    """Within this context every ReLU and ReLU6 of every network has the redirected gradient."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func not in UPPER_BOUNDS:
            return func(*args, **kwargs)
        x = args[0] if args else kwargs["input"]
        out = RedirectedReLUFunction.apply(x, UPPER_BOUNDS[func])
        inplace = func in IN_PLACE or kwargs.get("inplace") or (len(args) > 1 and args[1])
        return x.copy_(out) if inplace else out  # whoever looks at the input afterwards must see the output
