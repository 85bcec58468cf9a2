"""Speed of DeepFakes: the network beside the same written plainly, a frame beside dlib as its examples use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate, count_products
from potmeter.data.face_crops import find_faces, load_detector
from potmeter.data.samples import sample

from .conversion import swap_face
from .model import FaceSwapper
from .presets import PRESETS

BATCH = 16
FRAME = 1280, 720


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("faces_per_s"):
        yield faces()
    if is_selected("frame_s"):
        yield frame()


class Plain(nn.Module):
    """The network as one writes it plainly: torch's own modules in a row, in the default memory format."""

    def __init__(self, swapper: FaceSwapper) -> None:
        super().__init__()
        encoder, decoder = swapper.encoder, swapper.decoders[0]
        layers: list[nn.Module] = []
        for conv in encoder.convs:
            layers += [nn.ZeroPad2d(encoder.edges), conv, nn.LeakyReLU(0.1)]
        side = encoder.side
        layers += [nn.Flatten(), encoder.to_code, encoder.from_code, nn.Unflatten(1, (-1, side, side))]
        for upscale in (encoder.upscale, *decoder.upscales):  # type: ignore[misc]
            layers += [upscale.conv, nn.LeakyReLU(0.1), nn.PixelShuffle(2)]
        self.layers = nn.Sequential(*layers, decoder.to_rgb, nn.Sigmoid())  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


def faces() -> Row:
    """Faces of 64 × 64 pixels a second, of the lecture's network."""
    config = replace(PRESETS["lecture"], identities=("A", "B"))
    plain = FaceSwapper(config).eval()
    ours = FaceSwapper(config).eval().to(memory_format=torch.channels_last)
    ours.load_state_dict(plain.state_dict())
    example, x = Plain(plain).eval(), torch.rand(BATCH, 3, config.image_size, config.image_size)
    identity = torch.zeros(BATCH, dtype=torch.long)
    with torch.inference_mode():
        torch.testing.assert_close(ours(x, identity), example(x), rtol=1e-3, atol=1e-4)
        calls = {"ours": stopwatch(lambda: ours(x, identity)), "theirs": stopwatch(lambda: example(x))}
        seconds = interleave(calls, rounds=9)
        limit = BATCH * conv_rate() / (2 * count_products(ours, x, identity))
    rates = {name: BATCH / value for name, value in seconds.items()}
    return compare(
        "faces_per_s", "faces/s", rates["ours"], rates["theirs"], "the same network written plainly", limit=limit,
        note="limit: the rate of convolutions",
    )  # fmt: skip


def frame() -> Row:
    """Seconds for a frame of 1280 × 720 pixels with one face, from finding to blending; beside finding it alone."""
    picture = PIL.Image.new("RGB", FRAME, (90, 90, 90))
    picture.paste(sample("person-6").pil().resize((600, 600)), (300, 100))
    pixels = np.array(picture)
    swapper = FaceSwapper(replace(PRESETS["lecture"], identities=("A", "B"))).eval()

    def swap() -> None:
        swap_face(swapper, pixels, find_faces(pixels)[0], 1, PRESETS["lecture"].image_size)

    calls = {"ours": stopwatch(swap), "theirs": stopwatch(lambda: load_detector()(pixels, 1))}
    seconds = interleave(calls, rounds=3)
    note = "ours looks for faces in a smaller copy, locates landmarks, draws and blends"
    return compare(
        "frame_s", "s", seconds["ours"], seconds["theirs"], "dlib's detector alone, as in its examples", note=note
    )
