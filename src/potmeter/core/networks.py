"""Plain networks of PyTorch as models that a probe can work on."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from potmeter.errors import UserError, reject


class ClassifierAdapter(nn.Module):
    """A plain classification network as a ``Classifier`` and ``Attackable``: takes pictures in [0, 1].

    Args:
        network: Takes (B, C, H, W) and returns logits, or a tuple or dictionary with the logits first or as ``logits``.
        classes: Names of the classes; found by one forward pass, as numbers, when missing.
        input_shape: (C, H, W).
        mean, std: The network's normalisation, a value for each channel.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        classes: tuple[str, ...] | None = None,
        input_shape: tuple[int, int, int] = (3, 224, 224),
        mean: tuple[float, ...] = (0.485, 0.456, 0.406),
        std: tuple[float, ...] = (0.229, 0.224, 0.225),
    ) -> None:
        super().__init__()
        self.network, self.input_shape, self.name = network.eval(), input_shape, type(network).__name__
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        if classes is None:
            with torch.no_grad():
                count = self.logits(torch.zeros(1, *input_shape)).shape[1]
            classes = tuple(map(str, range(count)))
        self.classes = classes

    def logits(self, images: Tensor) -> Tensor:
        """Unnormalised log-probabilities of shape (B, classes)."""
        out = self.network((images - self.mean) / self.std)
        out = out["logits"] if isinstance(out, dict) and "logits" in out else out
        out = out[0] if isinstance(out, (tuple, list)) and out else out
        if not isinstance(out, Tensor) or out.ndim != 2:
            reject(f"{self.name} must return logits of shape (B, classes).", getattr(out, "shape", type(out).__name__))
        return out

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images)

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy of each picture."""
        return nn.functional.cross_entropy(self.logits(x), target, reduction="none")


def load_public_network(library: str, name: str) -> ClassifierAdapter:
    """A classification network of torchvision or timm, with its public weights."""
    try:
        if library == "torchvision":
            import torchvision

            public = torchvision.models.get_model_weights(name).DEFAULT
            return ClassifierAdapter(
                torchvision.models.get_model(name, weights=public), tuple(public.meta["categories"])
            )
        import timm
        from timm.data.config import resolve_model_data_config

        network = timm.create_model(name, pretrained=True)
        data = resolve_model_data_config(network)
        return ClassifierAdapter(network, None, data["input_size"], data["mean"], data["std"])
    except ImportError:
        raise UserError(f"{library} is not installed: pip install {library}.", received=f"{library}:{name}") from None
    except Exception as error:  # unknown name, or no network: both libraries raise many kinds
        message = f"{library} could not give {name} with its weights ({type(error).__name__})."
        raise UserError(message, received=f"{library}:{name}") from None


def load_network_file(path: Path, function: str) -> nn.Module:
    """The network that a function of a user's file returns. The file is the user's own program and is executed."""
    spec = importlib.util.spec_from_file_location(path.stem, path) if os.path.isfile(path) else None
    if spec is None or spec.loader is None:
        raise UserError("There is no such Python file.", received=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(getattr(module, function, None)):
        raise UserError(f"{path} has no function {function}.", received=function)
    network = getattr(module, function)()
    return network if isinstance(network, nn.Module) else reject(f"{function} must return a torch module.", network)
