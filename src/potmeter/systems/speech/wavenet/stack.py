"""The residual blocks as one function with a backward pass of its own: the same sums as ``ResidualBlock``, in less time.

Sequences lie time by time, (T · B, C), so that a delayed one is a slice: nothing is shifted or padded, all products are of
whole matrices and add to what is there. tanh(x) = 2σ(2x) - 1 takes one pass over filter and gate; the skip connections of all
blocks are one product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .model import WaveNet


def fast_forward(network: WaveNet, inputs: Tensor, features: Tensor | None, dtype: torch.dtype) -> Tensor:
    """As ``network(inputs, features)``: (B, T, outputs), with the blocks in ``dtype``."""
    blocks: Any = network.blocks
    batch = inputs.shape[0]
    x = network.first(inputs).transpose(0, 1).flatten(0, 1)  # (T · B, R)
    bias = torch.stack([block.conv.bias for block in blocks])  # (L, 2R)
    condition = bias[:, None, None]
    if features is not None:
        weights = torch.cat([block.condition.weight for block in blocks])
        steered = (features @ weights.t()).unflatten(2, (len(blocks), -1))  # (B, blocks, L, 2R)
        condition = condition + steered.permute(2, 1, 0, 3)
    half = torch.ones(bias.shape[1], device=x.device)
    half[: len(half) // 2] = 2  # tanh(x) = 2σ(2x) - 1
    taps = torch.stack([block.conv.weight for block in blocks]).permute(0, 3, 2, 1) * half  # (L, k, R, 2R)
    on = [block.residual.weight.t() for block in blocks[:-1]]
    residual = torch.stack(on) if on else x.new_empty(0)  # (L - 1, R, R)
    skip = torch.cat([block.skip.weight.t() for block in blocks])  # (L · R, S)
    tensors = (x, condition * half, taps, residual, skip)
    skips = GatedStack.apply(*(tensor.to(dtype).contiguous() for tensor in tensors), network.config.dilations, batch)
    with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        logits = network.read_out(skips)
    return logits.float().unflatten(0, (-1, batch)).transpose(0, 1)


class GatedStack(torch.autograd.Function):
    """The sum of the skip connections (T · B, S) of all blocks."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, condition: Tensor, taps: Tensor, residual: Tensor, skip: Tensor,
        dilations: tuple[int, ...], batch: int,
    ) -> Tensor:  # fmt: skip
        layers, size, width, _ = taps.shape
        rows = len(x)
        gated = x.new_empty(rows, layers * width)
        inputs, activations = [], []
        for layer in range(layers):
            inputs.append(x)
            z = x @ taps[layer, -1]
            for tap in range(size - 1):
                delay = min((size - 1 - tap) * dilations[layer] * batch, rows)
                z[delay:].addmm_(x[: rows - delay], taps[layer, tap])
            z.view(condition.shape[1], -1, batch, 2 * width).add_(condition[layer][:, None])
            z.sigmoid_()
            activations.append(z)
            own = gated[:, layer * width : (layer + 1) * width]
            torch.neg(z[:, width:], out=own).addcmul_(z[:, :width], z[:, width:], value=2)  # (2σ - 1) · gate
            if layer < layers - 1:
                x = torch.addmm(x, own, residual[layer])
        ctx.save_for_backward(gated, condition, taps, residual, skip, *inputs, *activations)
        ctx.dilations, ctx.batch = dilations, batch
        return gated @ skip

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        gated, condition, taps, residual, skip, *kept = ctx.saved_tensors
        layers, size, width, _ = taps.shape
        inputs, activations = kept[:layers], kept[layers:]
        (d_skips,) = gradients
        rows = len(d_skips)
        d_gated = d_skips @ skip.t()
        d_skip = gated.t() @ d_skips
        d_taps, d_residual = torch.empty_like(taps), torch.empty_like(residual)
        d_condition = torch.empty_like(condition)
        d_x: Tensor | None = None
        for layer in reversed(range(layers)):
            columns = slice(layer * width, (layer + 1) * width)
            own, d_own = gated[:, columns], d_gated[:, columns]
            if d_x is not None:
                d_residual[layer] = own.t() @ d_x
                d_own = torch.addmm(d_own, d_x, residual[layer].t())
            z = activations[layer]
            filtered, gate = z[:, :width], z[:, width:]
            d_z = torch.empty_like(z)
            left, right = d_z[:, :width], d_z[:, width:]
            torch.addcmul(
                filtered, filtered, filtered, value=-1, out=left
            )  # σ' of the filter, twice gate times gradient
            left.mul_(gate).mul_(d_own).mul_(2)
            torch.addcmul(own, own, gate, value=-1, out=right)  # filter · gate · (1 - gate)
            right.mul_(d_own)
            held = d_z.view(condition.shape[1], -1, ctx.batch, 2 * width).sum(1)
            d_condition[layer] = held.sum_to_size(condition.shape[1:])
            x = inputs[layer]
            d_x = d_z @ taps[layer, -1].t() if d_x is None else torch.addmm(d_x, d_z, taps[layer, -1].t())
            torch.mm(x.t(), d_z, out=d_taps[layer, -1])
            for tap in range(size - 1):
                delay = min((size - 1 - tap) * ctx.dilations[layer] * ctx.batch, rows)
                torch.mm(x[: rows - delay].t(), d_z[delay:], out=d_taps[layer, tap])
                d_x[: rows - delay].addmm_(d_z[delay:], taps[layer, tap].t())
        return d_x, d_condition, d_taps, d_residual, d_skip, None, None
