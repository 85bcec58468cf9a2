"""Speed of Mask R-CNN: the paper's network beside torchvision's, looking and learning, and the small one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate, count_products
from potmeter.core.training.overhead import loop_overhead
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import paste_all

from .model import MaskRCNN
from .system import ObjectDetector

HEIGHT, WIDTH = 800, 1056
"""Of the picture that the paper's network looks at."""
SIDE = 320
"""Of the pictures that it learns from, so that a step takes seconds."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("loop_ms"):
        yield loop()
    if is_selected("paper_images_per_s"):
        yield look()
    if is_selected("paper_step_s"):
        yield learn()
    if is_selected("small_images_per_s"):
        yield small()


def loop() -> Row:
    """One training step of the tiny recipe, in our loop and in a bare one."""
    config = ObjectDetector.presets["tiny"]
    splits = ObjectDetector.data(config)
    ours, bare = loop_overhead(ObjectDetector, ObjectDetector.fit_config(config, splits), splits, steps=60)
    note = f"the loop adds {100 * (ours / bare - 1):.1f} % to a step"
    return compare("loop_ms", "ms", 1000 * ours, 1000 * bare, "bare torch loop", note=note)


def build_pair(side: int) -> tuple[MaskRCNN, nn.Module]:
    """Our network and torchvision's with the same random weights, their normalisations frozen as with its public weights."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn
    from torchvision.ops import FrozenBatchNorm2d

    torch.manual_seed(0)
    theirs: nn.Module = maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=91, min_size=side, max_size=1333
    )
    for name, module in [*theirs.named_modules()]:
        if isinstance(module, nn.BatchNorm2d):
            theirs.set_submodule(name, FrozenBatchNorm2d(module.num_features))
    ours = MaskRCNN(replace(ObjectDetector.presets["paper"], classes=tuple(f"class {n}" for n in range(1, 91))))
    ours.load_state_dict(theirs.state_dict())
    for network in (ours, theirs):
        for name, weight in network.named_parameters():
            weight.requires_grad_(
                not name.startswith(("backbone.body.conv1", "backbone.body.bn1", "backbone.body.layer1"))
            )
    return ours.to(memory_format=torch.channels_last), theirs


def look() -> Row:
    """Pictures of 800 × 1056 pixels a second through the paper's network."""
    ours, theirs = build_pair(HEIGHT)
    ours.eval(), theirs.eval()
    x = torch.rand(1, 3, HEIGHT, WIDTH)
    products = count_shared_products(ours, x)
    with torch.inference_mode():
        calls: dict[str, Callable[[], float]] = {
            "ours": stopwatch(lambda: [paste_all(found, HEIGHT, WIDTH) for found in ours(x)]),
            "theirs": stopwatch(lambda: theirs([x[0]])),
        }
        seconds = interleave(calls, rounds=3)
    rates = {name: 1 / value for name, value in seconds.items()}
    note = "the same weights; ours in channels_last. The limit counts backbone, pyramid and proposals only"
    return compare(
        "paper_images_per_s", "images/s", rates["ours"], rates["theirs"], "torchvision",
        limit=conv_rate() / (2 * products), note=note,
    )  # fmt: skip


def learn() -> Row:
    """Seconds of a step, forward and backward, on two pictures of 320 × 320 pixels with two things each."""
    ours, theirs = build_pair(SIDE)
    ours.train(), theirs.train()
    x = torch.rand(2, 3, SIDE, SIDE)
    boxes = torch.tensor([[20.0, 30, 180, 200], [120, 60, 300, 290]])
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
    masks[0, 30:200, 20:180], masks[1, 60:290, 120:300] = True, True
    labels = torch.tensor([3, 7])
    targets = [{"boxes": boxes, "labels": labels, "masks": masks.byte()}] * 2

    def step(losses: dict[str, Tensor]) -> None:
        torch.stack([*losses.values()]).sum().backward()

    rngs = [torch.Generator() for _ in range(2)]
    truths = [Instances(boxes, labels, None, masks)] * 2
    calls = {
        "ours": stopwatch(lambda: step(ours.losses(x, [(SIDE, SIDE)] * 2, truths, rngs))),
        "theirs": stopwatch(lambda: step(theirs([*x], targets))),
    }
    seconds = interleave(calls, rounds=3)
    return compare("paper_step_s", "s", seconds["ours"], seconds["theirs"], "torchvision", note="without the optimiser")


def small() -> Row:
    """Pictures of 320 × 320 pixels a second through the small network, whatever it finds."""
    config = replace(ObjectDetector.presets["lecture"], classes=("thing",), pretrained=False)
    network = MaskRCNN(config).eval().to(memory_format=torch.channels_last)
    batch = MaskRCNN(replace(config, norm="frozen")).eval()
    x = torch.rand(4, 3, SIDE, SIDE)
    products = count_shared_products(network, x[:1])
    with torch.inference_mode():
        calls = {"ours": stopwatch(lambda: network(x)), "theirs": stopwatch(lambda: batch(x))}
        seconds = interleave(calls, rounds=5)
    rates = {name: len(x) / value for name, value in seconds.items()}
    note = "norms within the convolutions, channels_last. The limit counts backbone, pyramid and proposals only"
    return compare(
        "small_images_per_s", "images/s", rates["ours"], rates["theirs"], "the same, plainly",
        limit=conv_rate() / (2 * products), note=note,
    )  # fmt: skip


@torch.no_grad()
def count_shared_products(network: MaskRCNN, x: Tensor) -> int:
    """The multiplications of backbone, pyramid and proposals, which each picture needs, whatever is found in it."""
    head = sum(count_products(network.rpn.head, features) for features in network.backbone(x))
    return count_products(network.backbone, x) + head
