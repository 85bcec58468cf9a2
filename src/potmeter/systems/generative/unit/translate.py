"""A picture of any size from one style to the other: at once, or, if it is large, in strips without seams (``nn.strips``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from potmeter.media import Image
from potmeter.nn.image_transformation import InstanceNorm, ResidualBlock
from potmeter.nn.strips import FeatureMap, apply_block, convolve, make_buffer, normalise, store

from .model import Decoder, Encoder, Translator

WHOLE_PIXELS = 2**19
"""Largest picture that goes through the networks at once; larger ones go in strips."""


def translate(translator: Translator, picture: Image, source: int, target: int) -> Image:
    """A picture in the other style, of the same size; what is too small is continued as in a mirror, and cut again.

    Args:
        translator: The networks.
        picture: Of any size.
        source, target: Its style, and the wanted one: 0 or 1.
    """
    width, height = picture.size
    missing = [max(0, translator.SMALLEST - side) for side in (height, width)]
    pixels = np.pad(picture.pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")
    way = translate_in_strips if pixels.shape[0] * pixels.shape[1] > WHOLE_PIXELS else translate_whole
    translated = way(translator, pixels, source, target)
    return Image(np.ascontiguousarray(translated[:height, :width]), picture.name)


@torch.no_grad()
def translate_whole(translator: Translator, pixels: np.ndarray, source: int, target: int) -> np.ndarray:
    """A picture in the other style, both uint8 (H, W, 3), each side at least ``translator.SMALLEST``."""
    device = next(translator.parameters()).device
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device).float().div_(255)
    y = translator(x.contiguous(memory_format=torch.channels_last), source, target)[0].clamp_(0, 1).mul_(255).round_()
    return np.ascontiguousarray(y.byte().permute(1, 2, 0).cpu().numpy())


@torch.no_grad()
def translate_in_strips(translator: Translator, pixels: np.ndarray, source: int, target: int) -> np.ndarray:
    """What ``translate_whole`` gives, in bounded memory."""
    height, width, _ = pixels.shape
    device = next(translator.parameters()).device
    encoder, decoder = translator.encoders[source], translator.decoders[target]
    assert isinstance(encoder, Encoder)  # as they are made
    assert isinstance(decoder, Decoder)

    def read(top: int, bottom: int) -> Tensor:
        x = torch.from_numpy(pixels[top:bottom]).permute(2, 0, 1)[None].to(device).float().div_(127.5).sub_(1)
        return x.contiguous(memory_format=torch.channels_last)

    x = FeatureMap(read, height, width, 3, 3 * width)
    x = normalise_relu(convolve(x, encoder.conv1), encoder.norms[0])
    x = normalise_relu(convolve(x, encoder.conv2), encoder.norms[1])
    x = convolve(x, encoder.conv3)
    buffer, scratch = make_buffer(x, device), make_buffer(x, device)
    x = store(normalise_relu(store(x, buffer), encoder.norms[2]), buffer)
    x = apply_blocks(x, (*encoder.blocks, *translator.shared_encoder, *translator.shared_decoder), buffer, scratch)
    drawn = other = decode_in_strips(x, decoder, buffer.clone() if translator.details else buffer, scratch)
    if translator.details:
        own = translator.decoders[source]
        assert isinstance(own, Decoder)
        same = decode_in_strips(x, own, buffer, scratch)
        drawn = replace(other, rows=lambda top, bottom: other.rows(top, bottom) - same.rows(top, bottom))
    out = np.empty_like(pixels)
    for top, strip in drawn.strips():
        if top >= height:  # what is decoded may be some rows higher than the picture
            break
        y = strip[0, :, : height - top, :width]
        bottom = top + y.shape[1]
        y = y + read(top, bottom)[0] if translator.details else y
        out[top:bottom] = y.clamp(-1, 1).add(1).mul_(127.5).round_().byte().permute(1, 2, 0).cpu().numpy()
    return out


def apply_blocks(x: FeatureMap, blocks: Iterable[nn.Module], buffer: Tensor, scratch: Tensor) -> FeatureMap:
    """Residual blocks on a layer that lies in ``buffer``, where their output goes too."""
    for block in blocks:
        assert isinstance(block, ResidualBlock)  # as they are made
        x = apply_block(x, block, buffer, scratch)
    return x


def decode_in_strips(x: FeatureMap, decoder: Decoder, buffer: Tensor, scratch: Tensor) -> FeatureMap:
    """What a decoder makes of a layer, in [−1, 1]; its residual blocks' output goes into ``buffer``."""
    x = apply_blocks(store(x, buffer), decoder.blocks, buffer, scratch)
    x = normalise_relu(convolve(x, decoder.deconv1), decoder.norms[0])
    x = normalise_relu(convolve(x, decoder.deconv2), decoder.norms[1])
    y = convolve(x, decoder.conv)
    return replace(y, rows=lambda top, bottom: y.rows(top, bottom).tanh())


def normalise_relu(x: FeatureMap, norm: nn.Module) -> FeatureMap:
    """Instance normalisation, if there is one, and ReLU."""
    if isinstance(norm, InstanceNorm):
        return normalise(x, norm, relu=True)
    return replace(x, rows=lambda top, bottom: x.rows(top, bottom).relu())
