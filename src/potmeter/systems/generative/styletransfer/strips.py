"""A photograph of any size painted in bounded memory, strip by strip, and without seams (``nn.strips``)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from potmeter.nn.image_transformation import ResidualBlock
from potmeter.nn.strips import FeatureMap, apply_block, convolve, make_buffer, normalise, store

from .model import TransformerNet


@torch.no_grad()
def paint_in_strips(network: TransformerNet, pixels: np.ndarray) -> np.ndarray:
    """What ``network`` makes of a picture, both uint8 (H, W, 3), each side at least ``network.SMALLEST``."""
    height, width, _ = pixels.shape
    device = network.mean.device

    def read(top: int, bottom: int) -> Tensor:
        x = torch.from_numpy(pixels[top:bottom]).permute(2, 0, 1)[None].to(device).float().div_(255)
        return network.normalise(x).contiguous(memory_format=torch.channels_last)

    x = FeatureMap(read, height, width, 3, 3 * width)
    x = normalise(convolve(x, network.conv1), network.in1, relu=True)
    x = normalise(convolve(x, network.conv2), network.in2, relu=True)
    x = convolve(x, network.conv3)
    buffer, scratch = make_buffer(x, device), make_buffer(x, device)
    x = store(normalise(store(x, buffer), network.in3, relu=True), buffer)
    for number in range(1, network.residual_blocks + 1):
        block = network.get_submodule(f"res{number}")
        assert isinstance(block, ResidualBlock)  # its name says so
        x = apply_block(x, block, buffer, scratch)
    x = normalise(convolve(x, network.deconv1), network.in4, relu=True)
    x = normalise(convolve(x, network.deconv2), network.in5, relu=True)
    out = np.empty_like(pixels)
    for top, strip in convolve(x, network.deconv3).strips():
        y = (strip[0, :, : height - top, :width] * network.std[0] + network.mean[0]).clamp_(0, 1)
        out[top : top + strip.shape[2]] = y.mul_(255).round_().byte().permute(1, 2, 0).cpu().numpy()
    return out
