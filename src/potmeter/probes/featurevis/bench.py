"""Speed of feature visualisation: steps of gradient ascent beside lucent's, for a deep and an early layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from potmeter.core.bench import Row, compare, interleave, is_selected
from potmeter.core.loading import load
from potmeter.core.random import RandomStream

from .layers import activations, freeze
from .objectives import channel
from .parametrisation import FourierImage
from .render import render
from .transforms import Transforms

STEPS, SIDE = 12, 128
"""Steps of each measurement, and the side of the picture."""
LAYERS = {"steps_per_s": "features.13", "early_steps_per_s": "features.4"}
"""The rows and their layers of MobileNetV2."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    for what, layer in LAYERS.items():
        if is_selected(what):
            yield steps_per_second(what, layer)


def steps_per_second(what: str, layer: str) -> Row:
    """One picture, the same network, channel and size of what the network sees, in turns."""
    model = load("classifier.imagenet").model
    input_size = SIDE + Transforms().border
    run_peer = lucent_steps(model, layer, input_size)
    per_s = interleave(
        {"ours": our_steps(model, layer), "lucent": run_peer, "raw": raw_steps(model, layer, input_size)}, rounds=5
    )
    note = "no gradients of the parameters, no pass beyond the layer, one interpolation instead of two; "
    note += f"{per_s['ours'] / per_s['raw']:.0%} of the network alone, forward and backward"
    return compare(what, "steps/s", per_s["ours"], per_s["lucent"], "lucent", limit=per_s["raw"], note=note)


def rate(run: Callable[[], object]) -> Callable[[], float]:
    """The steps a second of something that makes ``STEPS``."""

    def measure() -> float:
        started = time.perf_counter()
        run()
        return STEPS / (time.perf_counter() - started)

    return measure


def our_steps(model: torch.nn.Module, layer: str) -> Callable[[], float]:
    """Steps of ``render``."""
    grey = torch.full((3, 1, 1), 0.5)

    def run() -> None:
        rng = RandomStream(0)
        parametrisation = FourierImage((1, 3, SIDE, SIDE), rng=rng)
        aim = channel(layer, 5)
        render(
            model, aim, parametrisation, steps=STEPS, transforms=Transforms(), rng=rng, background=grey, redirected=0
        )

    return rate(run)


def lucent_steps(model: torch.nn.Module, layer: str, input_size: int) -> Callable[[], float]:
    """Steps of lucent's ``render_vis`` as it is documented; its network is shown pictures of our size."""
    from lucent.optvis import param, render as optvis  # type: ignore[import-not-found]  # noqa: I001

    def run() -> None:
        model.requires_grad_(True)  # as its users have it
        optvis.render_vis(
            model, f"{layer.replace('.', '_')}:5", lambda: param.image(SIDE), thresholds=(STEPS,),
            progress=False, show_image=False, fixed_image_size=input_size, preprocess=False,
        )  # fmt: skip
        model.requires_grad_(False).zero_grad(set_to_none=True)
        for module in model.modules():
            module._forward_hooks.clear()  # it leaves its own behind

    return rate(run)


def raw_steps(model: torch.nn.Module, layer: str, input_size: int) -> Callable[[], float]:
    """The network alone: forward to the layer, and back to the picture."""
    x = torch.rand(1, 3, input_size, input_size).contiguous(memory_format=torch.channels_last).requires_grad_()

    def step() -> Tensor:
        value = activations(model, x, [layer])[layer][:, 5].mean()
        return torch.autograd.grad(value, x)[0]

    def run() -> None:
        with freeze(model):
            for _ in range(STEPS):
                step()

    return rate(run)
