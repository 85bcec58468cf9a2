"""The same network with fewer passes over memory, for probes that run it thousands of times unchanged."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

Model = TypeVar("Model")

PAIRS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Conv3d: nn.BatchNorm3d,
}


def fuse_batch_norms(model: Model) -> Model:
    """A copy in which every batch normalisation with fixed statistics is part of the convolution before it.

    Only neighbours in an ``nn.Sequential`` count, whose order is certain. The copy's outputs are the model's up to
    rounding; its parameters ask for no gradients. What is no module, or cannot be copied, is returned as it is.
    """
    if not isinstance(model, nn.Module):
        return model
    try:
        fused = copy.deepcopy(model).eval().requires_grad_(False)
    except Exception:  # a user's module may hold what cannot be copied; that it is slower so is no reason to fail
        return model
    for module in [m for m in fused.modules() if isinstance(m, nn.Sequential)]:
        if type(module).forward is nn.Sequential.forward:
            for (first, convolution), (second, norm) in pairwise(list(module.named_children())):
                if PAIRS.get(type(convolution)) is type(norm) and has_fixed_statistics(norm):
                    assert isinstance(convolution, nn.Conv1d | nn.Conv2d | nn.Conv3d)
                    assert isinstance(norm, _BatchNorm)
                    setattr(module, first, fuse_conv_bn_eval(convolution, norm).requires_grad_(False))
                    setattr(module, second, nn.Identity())
    return fused


def has_fixed_statistics(norm: nn.Module) -> bool:
    """Whether it normalises by statistics of its training, and nobody listens to it."""
    hooks = norm._forward_hooks or norm._forward_pre_hooks
    return isinstance(norm, _BatchNorm) and norm.running_mean is not None and not hooks
