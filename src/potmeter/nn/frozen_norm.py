"""Batch normalisation that is not learnt any more, as networks have it that are fine-tuned in small minibatches."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation whose statistics, scale and shift are buffers: it never changes.

    Args:
        channels: Of what is normalised.
        eps: Added to the variance.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def freeze_norms(module: nn.Module, eps: float | None = None) -> nn.Module:
    """Replace every ``BatchNorm2d`` in a module, which is returned, by a frozen one with its values.

    Args:
        module: What is changed.
        eps: Added to the variance; None = each one's own.

    Example:
        >>> len([*freeze_norms(nn.Sequential(nn.BatchNorm2d(3))).parameters()])
        0
    """
    for name, child in [*module.named_children()]:
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, child.eps if eps is None else eps)
            state = child.state_dict()
            state.pop("num_batches_tracked")
            frozen.load_state_dict(state)
            setattr(module, name, frozen)
        else:
            freeze_norms(child, eps)
    return module


def fold_norms(module: nn.Module) -> nn.Module:
    """Make every ``BatchNorm2d`` that stands behind a convolution in an ``nn.Sequential`` a part of it, in the module itself.

    The convolution gets a bias, which is not learnt, as a frozen normalisation's is not; the normalisation becomes the
    identity. What comes out is the same up to rounding, with the statistics that it has, in fewer passes over memory.

    Example:
        >>> [type(layer).__name__ for layer in fold_norms(nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.BatchNorm2d(4)))]
        ['Conv2d', 'Identity']
    """
    for sequence in [each for each in module.modules() if isinstance(each, nn.Sequential)]:
        for (first, convolution), (second, norm) in pairwise([*sequence.named_children()]):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                folded = fuse_conv_bn_eval(convolution.eval(), norm.eval())
                assert folded.bias is not None
                folded.bias.requires_grad_(False)
                setattr(sequence, first, folded.train(module.training))
                setattr(sequence, second, nn.Identity())
    return module
