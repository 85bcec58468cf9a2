"""Speed of DensePose: the paper's head beside a plain one, the small network, a training step, and the rasteriser."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate, count_products
from potmeter.core.training.overhead import loop_overhead
from potmeter.data.rasterise import rasterise

from .model import REGION_SIDE, DensePoseHead, DensePosePredictor, DensePoseRCNN
from .system import DensePose

REGIONS = 4
"""Of a minibatch of the paper's head."""
PICTURES = 4
"""Of a minibatch of the small network."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("loop_ms"):
        yield loop()
    if is_selected("paper_regions_per_s"):
        yield head()
    if is_selected("small_images_per_s"):
        yield small()
    if is_selected("raster_ms"):
        yield raster()


def loop() -> Row:
    """One training step of the tiny recipe, in our loop and in a bare one."""
    config = DensePose.presets["tiny"]
    splits = DensePose.data(config)
    ours, bare = loop_overhead(DensePose, config, splits, steps=40)
    note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
    return compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)


def head() -> Row:
    """Regions a second through the paper's head, up to maps of 56×56 cells, beside the same layers called one by one."""
    config = DensePose.presets["paper"]
    convolutions = DensePoseHead(config.channels, config.surface_channels, config.surface_layers)
    predictor = DensePosePredictor(config.surface_channels)
    x = torch.rand(REGIONS, config.channels, REGION_SIDE, REGION_SIDE)
    layers = copy.deepcopy([*convolutions])  # in PyTorch's own memory format
    four = (predictor.ann_index_lowres, predictor.index_uv_lowres, predictor.u_lowres, predictor.v_lowres)
    deconvolutions = copy.deepcopy(four)
    convolutions.to(memory_format=torch.channels_last), predictor.to(memory_format=torch.channels_last)

    def enlarge(values: Tensor) -> Tensor:
        return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)

    def call_one_by_one() -> list[Tensor]:
        y = x
        for layer in layers:
            y = F.relu(layer(y))
        return [enlarge(layer(y)) for layer in deconvolutions]

    def call_head() -> list[Tensor]:
        return [enlarge(values) for values in predictor(convolutions(x.contiguous(memory_format=torch.channels_last)))]

    with torch.inference_mode():
        products = count_products(convolutions, x[:1])
        features = convolutions(x[:1])
        products += sum(count_products(layer, features) for layer in deconvolutions)
        seconds = interleave({"ours": stopwatch(call_head), "theirs": stopwatch(call_one_by_one)}, rounds=5)
    rates = {name: REGIONS / value for name, value in seconds.items()}
    note = "channels_last, four transposed convolutions as one"
    return compare(
        "paper_regions_per_s", "regions/s", rates["ours"], rates["theirs"], "plain PyTorch",
        limit=conv_rate() / (2 * products), note=note,
    )  # fmt: skip


def small() -> Row:
    """Pictures a second through the small network, whoever it finds, beside the same without folding and channels_last."""
    config = replace(DensePose.presets["lecture"], pretrained=False)
    network = DensePoseRCNN(config).eval().to(memory_format=torch.channels_last)
    plain = DensePoseRCNN(replace(config, norm="frozen")).eval()
    x = torch.rand(PICTURES, 3, config.image_size, config.image_size)
    sizes = [(config.image_size, config.image_size)] * PICTURES
    with torch.inference_mode():
        products = count_products(network.backbone, x[:1])
        products += sum(count_products(network.rpn.head, features) for features in network.backbone(x[:1]))
        calls = {
            "ours": stopwatch(lambda: network.detect(x, sizes)),
            "theirs": stopwatch(lambda: plain.detect(x, sizes)),
        }
        seconds = interleave(calls, rounds=5)
    rates = {name: PICTURES / value for name, value in seconds.items()}
    note = "norms folded into the convolutions, channels_last. The limit counts backbone, pyramid and proposals only"
    return compare(
        "small_images_per_s", "images/s", rates["ours"], rates["theirs"], "plain PyTorch",
        limit=conv_rate() / (2 * products), note=note,
    )  # fmt: skip


def raster() -> Row:
    """Milliseconds to rasterise a sphere of 28,322 triangles, about as many as a body has, at 160×160 pixels."""
    points, faces = sphere(120, 160)
    calls = {
        "ours": stopwatch(lambda: rasterise(points, faces, 160, 160)),
        "theirs": stopwatch(lambda: rasterise_in_numpy(points, faces, 160, 160)),
    }
    seconds = interleave(calls, rounds=3)
    note = "numpy: the pixels of each triangle's bounding box at once"
    return compare("raster_ms", "ms", 1000 * seconds["ours"], 1000 * seconds["theirs"], "numpy", note=note)


def sphere(rings: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3), as ``rasterise`` takes them, of a sphere that fills a picture, and its triangles (F, 3)."""
    turn, tilt = np.meshgrid(np.linspace(0, 2 * np.pi, rings), np.linspace(0, np.pi, rings))
    ball = np.stack([np.sin(tilt) * np.cos(turn), np.cos(tilt), np.sin(tilt) * np.sin(turn)], -1).reshape(-1, 3)
    corner = (np.arange(rings - 1)[:, None] * rings + np.arange(rings - 1)).ravel()
    quads = np.stack([corner, corner + 1, corner + rings + 1, corner, corner + rings + 1, corner + rings], 1)
    return (ball * (0.45 * side, 0.45 * side, 1) + (side / 2, side / 2, 3)).astype(np.float32), quads.reshape(-1, 3)


def rasterise_in_numpy(points: np.ndarray, faces: np.ndarray, height: int, width: int) -> np.ndarray:
    """The index of the nearest triangle at each pixel, or -1, one triangle after the other."""
    number, depth = np.full((height, width), -1), np.full((height, width), np.inf)
    for face, corners in enumerate(points[faces]):
        (left, top), (right, bottom) = (
            np.floor(corners[:, :2].min(0)).astype(int),
            np.ceil(corners[:, :2].max(0)).astype(int),
        )
        y, x = np.mgrid[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)] + 0.5
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corners
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area and y.size:
            of_a = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
            of_b = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
            far = of_a * az + of_b * bz + (1 - of_a - of_b) * cz
            place = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
            nearer = (of_a >= 0) & (of_b >= 0) & (of_a + of_b <= 1) & (far < depth[place])
            depth[place][nearer], number[place][nearer] = far[nearer], face
    return number
