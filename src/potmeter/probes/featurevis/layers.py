"""Any layer of any network by name: which there are, and their activations, with the network left as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from potmeter.core.capabilities import Classifier, Encoder
from potmeter.core.devices import device_of
from potmeter.core.random import RandomStream
from potmeter.errors import UserError, reject, suggest

from .receptive_fields import ReceptiveFields, mark_input, receptive_field_of


@dataclass(frozen=True)
class Layer:
    """A module whose output is a tensor with channels."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """Of its output for one picture, without the batch."""
    receptive_field: float
    """Side in pixels of the part of the picture that a unit sees; infinite where it may be all of it."""
    compound: bool
    """Whether it is made of other modules."""
    signed: bool
    """Whether it has negative activations too, so that its negative channels show something."""

    @property
    def channels(self) -> int:
        """How many channels its output has."""
        return self.shape[-1] if len(self.shape) == 2 else self.shape[0]

    @property
    def spatial(self) -> bool:
        """Whether its output has height and width."""
        return len(self.shape) == 3


class StopForward(Exception):
    """Ends a forward pass once everything that was asked for is there."""


# Running a network ------------------------------------------------------------------------------------------------


def forward(model: nn.Module, images: Tensor) -> Any:
    """Run a network on pictures, by whatever it can do with them."""
    if isinstance(model, Classifier):
        return model.logits(images)
    return model.encode(images) if isinstance(model, Encoder) else model(images)


@contextmanager
def freeze(model: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, without gradients of its parameters, for the length of a ``with`` block."""
    modes = {module: module.training for module in model.modules()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    model.eval()
    for p in trainable:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for p in trainable:
            p.requires_grad_(True)


def activations(model: nn.Module, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
    """Activations of the layers of these full names for pictures (B, C, H, W); the forward pass ends with the last of them.

    Of a layer that is used several times, the first time counts.

    Raises:
        UserError: When a layer is not reached, or gives no tensor.
    """
    wanted, found = list(dict.fromkeys(names)), dict[str, Tensor]()

    def record(name: str, module: nn.Module, inputs: Any, output: Any) -> Any:
        if name in found:
            return None
        if not isinstance(output, Tensor):
            reject(f"{name} gives no tensor, so it cannot be visualised.", type(output).__name__)
        found[name] = output[: len(images)]  # a network may add pictures to the batch, such as mirror images
        if len(found) == len(wanted):
            raise StopForward
        return output.clone()  # a later layer may work in place

    with ExitStack() as stack:
        for name in wanted:
            handle = model.get_submodule(name).register_forward_hook(partial(record, name))
            stack.callback(handle.remove)
        try:
            forward(model, images)
        except StopForward:
            return found
    missing = [name for name in wanted if name not in found]
    return reject(f"{missing[0]} takes no part in the forward pass of a picture.", missing[0])


# What there is ----------------------------------------------------------------------------------------------------


def input_shape(model: nn.Module) -> tuple[int, int, int]:
    """(C, H, W) of the pictures a network takes: as it says itself, else from its first convolution, 224 pixels wide."""
    shape = getattr(model, "input_shape", None) or getattr(getattr(model, "model", None), "input_shape", None)
    if shape:
        return tuple(shape)
    config: Any = getattr(model, "config", None)
    if hasattr(config, "image_size") and hasattr(config, "channels"):
        return config.channels, config.image_size, config.image_size
    first = next((m for m in model.modules() if isinstance(m, nn.Conv2d)), None)
    return (first.in_channels if first else 3, 224, 224)


def list_layers(model: nn.Module, shape: tuple[int, int, int]) -> list[Layer]:
    """Every layer whose output is a tensor with channels, in the order in which they finish.

    Args:
        model: Any network that takes pictures.
        shape: (C, H, W) of the picture it is tried on.

    Raises:
        UserError: When the network does not take such a picture.
    """
    found: dict[str, Layer] = {}

    def note(name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim >= 2 and output.is_floating_point() and name not in found:
            field = receptive_field_of(output)
            kind, compound = type(module).__name__, any(True for _ in module.children())
            side, signed = field[0] if field else math.inf, bool((output < 0).any())
            found[name] = Layer(name, kind, tuple(output.shape[1:]), side, compound, signed)

    with ExitStack() as stack:
        stack.enter_context(freeze(model))
        for name, module in model.named_modules():
            if name:
                stack.callback(module.register_forward_hook(partial(note, name)).remove)
        stack.enter_context(torch.no_grad())
        stack.enter_context(ReceptiveFields())
        check_accepts(
            model,
            partial(forward, model, mark_input(RandomStream(0, device=device_of(model)).uniform(1, *shape))),
            shape,
        )
    return list(found.values()) or reject("This network has no layer that gives a tensor.", type(model).__name__)


def check_accepts(model: nn.Module, run: Callable[[], Any], shape: Sequence[int]) -> Any:
    """Run a network; what it raises for a picture that it does not take becomes a UserError."""
    try:
        return run()
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError, NotImplementedError) as error:
        named, line = getattr(model, "name", type(model).__name__), str(error).partition("\n")[0]
        raise UserError(f"{named} does not take a picture of this shape: {line}.", received=tuple(shape)) from None


def short_name(name: str, layers: Sequence[Layer]) -> str:
    """A layer's name without the first part, where all layers have that in common."""
    first = name.partition(".")[0]
    return name[len(first) + 1 :] if all(layer.name.partition(".")[0] == first for layer in layers) else name


def find_layer(name: str, layers: Sequence[Layer]) -> Layer:
    """A layer by its name, or by the end of it that no other has; ``features[13]`` is ``features.13``.

    Raises:
        UserError: With the nearest name, where there is none.
    """
    word = name.replace("[", ".").replace("]", "").strip(".")
    named = {layer.name: layer for layer in layers}
    ending = [layer for layer in layers if layer.name.endswith(f".{word}")]
    outer = [layer for layer in ending if short_name(layer.name, layers) == word]
    if word in named:
        return named[word]
    if outer or len(ending) == 1:
        return (outer or ending)[0]
    names = [short_name(layer.name, layers) for layer in layers]
    if len(ending) > 1:
        reject(f"Several layers end so: {', '.join(short_name(layer.name, layers) for layer in ending[:4])}.", name)
    hint = suggest(word, names, f"There are {', '.join(names[:6])} …", cutoff=0.3)
    return reject(f"There is no layer of that name. {hint}", name)
