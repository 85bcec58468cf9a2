"""Plain networks of PyTorch as models that a probe can work on."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from potmeter.core.devices import device_of
from potmeter.core.user_code import describe_user_error
from potmeter.errors import UserError, reject, shorten


class ClassifierAdapter(nn.Module):
    """A plain classification network as a ``Classifier`` and ``Attackable``: takes pictures in [0, 1].

    Args:
        network: Takes (B, C, H, W) and returns logits, or a tuple or dictionary with the logits first or as ``logits``.
        classes: Names of the classes; found by one forward pass, as numbers, when missing.
        input_shape: (C, H, W); default: the network's attribute ``input_shape``, else 224 × 224 pixels with the channels of
            its first convolution.
        mean, std: The network's normalisation, a value for each channel; default: ImageNet's for colour, none for grey.

    The network may be in any precision: it is given pictures in its own, and its logits are float32.

    Raises:
        UserError: When the network does not take such pictures, or does not return logits.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: nn.Module,
        classes: tuple[str, ...] | None = None,
        input_shape: tuple[int, int, int] | None = None,
        mean: tuple[float, ...] | None = None,
        std: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.name = network.eval(), type(network).__name__
        self.input_shape = input_shape or find_input_shape(network)
        imagenet = self.input_shape[0] == 3
        mean = mean or ((0.485, 0.456, 0.406) if imagenet else (0.0,))
        std = std or ((0.229, 0.224, 0.225) if imagenet else (1.0,))
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        count = self.count_classes()
        self.classes = classes or tuple(map(str, range(count)))
        len(self.classes) == count or reject(
            f"{self.name} returns {count} logits; each needs a name.", len(self.classes)
        )

    def count_classes(self) -> int:
        """How many logits the network returns, found by trying it. Raises UserError where it does not take such pictures."""
        shape = " × ".join(map(str, self.input_shape))
        try:
            with torch.no_grad():
                return self.logits(torch.zeros(1, *self.input_shape, device=device_of(self.network))).shape[1]
        except (
            RuntimeError,
            ValueError,
            IndexError,
            NotImplementedError,
        ) as error:  # what torch says of shapes and types
            reason = shorten(str(error) or type(error).__name__)
            message = f"{self.name} does not take pictures of {shape}: {reason}; its input_shape says what it takes."
            raise UserError(message, received=shape) from error

    def logits(self, images: Tensor) -> Tensor:
        """Unnormalised log-probabilities of shape (B, classes)."""
        kind = next((p.dtype for p in self.network.parameters() if p.is_floating_point()), images.dtype)
        out = self.network(((images - self.mean) / self.std).to(kind))
        out = out["logits"] if isinstance(out, dict) and "logits" in out else out
        out = out[0] if isinstance(out, (tuple, list)) and out else out
        if not isinstance(out, Tensor) or out.ndim != 2:
            reject(f"{self.name} must return logits of shape (B, classes).", getattr(out, "shape", type(out).__name__))
        return out.float()

    def forward(self, images: Tensor) -> Tensor:
        return self.logits(images)

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy (B,), in nats, of pictures (B, C, H, W) in [0, 1] for the classes ``target`` (B,)."""
        return nn.functional.cross_entropy(self.logits(x), target, reduction="none")


def find_input_shape(network: nn.Module) -> tuple[int, int, int]:
    """(C, H, W) of the pictures that a network takes, as it says itself, or of the usual size. Raises UserError."""
    said = getattr(network, "input_shape", None)
    if said is not None:
        good = isinstance(said, (tuple, list)) and len(said) == 3 and all(isinstance(n, int) and n > 0 for n in said)
        return (said[0], said[1], said[2]) if good else reject("input_shape of a network is (C, H, W).", said)
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    return (first.in_channels if first else 3, 224, 224)


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
    try:
        spec.loader.exec_module(module)
        if not callable(getattr(module, function, None)):
            raise UserError(f"{path} has no function {function}.", received=function)
        network = getattr(module, function)()
    except UserError:
        raise
    except Exception as error:  # whatever a user's program raises
        raise describe_user_error(error, f"{path}:{function}") or error from None
    return network if isinstance(network, nn.Module) else reject(f"{function} must return a torch module.", network)
