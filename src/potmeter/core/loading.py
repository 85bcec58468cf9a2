"""From a name to a thing that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from torch import nn

from potmeter import registry
from potmeter.core.capabilities import Classifier
from potmeter.core.devices import resolve_device
from potmeter.core.networks import ClassifierAdapter, load_network_file, load_public_network
from potmeter.core.weights import locate_weights, read_description


def load(name: str | Path, weights: str | Path | None = None, *, device: str = "cpu") -> Any:
    """Load a system with its weights, ready to run; or a probe, with ``weights`` naming the model it works on.

    Args:
        name: ``vae``, ``classifier.imagenet``, the folder of an ejected system, or one with weights or a training run,
            which says whose they are.
        weights: A tag, a weights folder, a training run or a hub id; default: the tag in ``name``, or the usual ones.
        device: cpu, cuda, cuda:N, mps or auto.

    Returns:
        The system in evaluation mode, its parameters not asking for gradients.

    Raises:
        UserError: When there is no such name, weights or device.

    Example:
        >>> load("classifier.digits").run("photo-of-a-digit.png", top=3)  # doctest: +SKIP
    """
    if weights is None and is_weights_folder(name):
        weights = locate_weights("", name)
        name = str(read_description(Path(weights)).get("system"))
    return load_resolved(registry.resolve(str(name)), weights, device)


def is_weights_folder(name: str | Path) -> bool:
    """Whether it is a folder with weights or checkpoints; the name of a system never is, whatever lies about."""
    if str(name) in registry.entries() or not os.path.isdir(name):  # os.path: False for what can be no path
        return False
    return (Path(name) / "config.json").is_file() or any(Path(name).glob("step-*"))


def load_resolved(reference: registry.Reference, weights: str | Path | None, device: str) -> Any:
    """What a word named that was looked up already; further arguments as of ``load``."""
    torch_device = resolve_device(device)
    if reference.entry.kind == "probe":
        probe = reference.entry.load()(weights)
        probe.model.to(torch_device)
        return probe
    system = reference.entry.load().from_pretrained(weights or reference.tag)
    return system.requires_grad_(False).to(torch_device)


def load_model(name: str) -> nn.Module:
    """Any model a probe can work on: a system by name or checkpoint, or a plain network wrapped as a ``Classifier``.

    Args:
        name: ``classifier.digits``, a checkpoint folder, ``torchvision:NAME``, ``timm:NAME`` or ``file.py:function``.
    """
    kind, _, rest = name.partition(":")
    if kind in ("torchvision", "timm") and rest:
        return load_public_network(kind, rest)
    if kind.endswith(".py") and rest:
        network = load_network_file(Path(kind), rest)
        return network if isinstance(network, Classifier) else ClassifierAdapter(network)
    return load(name)  # type: ignore[no-any-return]
