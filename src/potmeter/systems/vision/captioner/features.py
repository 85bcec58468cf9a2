"""Feature maps of pictures: by MobileNetV2 as it is, whose weights are public, or by four convolutions that are trained.

MobileNetV2 is no part of the captioner's own weights. What it gives for the training pictures is computed once and kept, in
float16, in a file of the cache that is memory-mapped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.progress import progress
from potmeter.data.fetching.fetch import cache_folder
from potmeter.data.fingerprint import digest
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.errors import UserError
from potmeter.nn.backbones import MobileNetV2
from potmeter.notices import announce

BATCH = 32
"""Pictures that go through a network at once."""
CHANNELS, STRIDE = 320, 32
"""Of MobileNetV2's last feature map."""
CONVOLUTION_STRIDE = 8


class Convolutions(nn.Sequential):
    """A small encoder: (B, 3, H, W) → (B, channels, H / 8, W / 8)."""

    def __init__(self, channels: int) -> None:
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((3, 16, 2), (16, 32, 2), (32, channels, 2), (channels, channels, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        super().__init__(*layers)


class Backbone:
    """MobileNetV2 with its public ImageNet weights, read when it is first used; never trained, and not saved.

    Its last 1×1 convolution, from 320 to 1,280 channels, is cheap and makes four times as many numbers: feature maps are
    kept as they are before it.
    """

    def __init__(self) -> None:
        self.network: MobileNetV2 | None = None

    def load(self, device: torch.device) -> MobileNetV2:
        """The network, on a device."""
        if self.network is None:
            self.network = load_imagenet_weights(MobileNetV2(1000)).eval().requires_grad_(False)
            self.network.to(memory_format=torch.channels_last)
        return self.network.to(device)

    def feature_maps(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 320 hs ws"]:
        """The feature maps at stride 32 of images in [0, 1]."""
        network = self.load(images.device)
        return network.feature_maps(images.contiguous(memory_format=torch.channels_last))[STRIDE]

    def expand(self, maps: Float[Tensor, "b 320 hs ws"]) -> Float[Tensor, "b 1280 hs ws"]:
        """What the last 1×1 convolution makes of feature maps."""
        network = self.load(maps.device)
        return network.features[-1](maps.contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]

    def classify(self, maps: Float[Tensor, "b 1280 hs ws"]) -> Float[Tensor, "b 1000 hs ws"]:
        """The probabilities of ImageNet's classes at each place, of expanded feature maps."""
        *_, last = self.load(maps.device).classifier.children()
        assert isinstance(last, nn.Linear)
        return F.conv2d(maps, last.weight[:, :, None, None], last.bias).softmax(1)


class CachedFeatures:
    """The feature maps of a data set's pictures.

    Args:
        data: Whose batches have ``image``; has a ``picture_fingerprint``.
        backbone: What computes them.
        device: On which.
    """

    def __init__(self, data: Any, backbone: Backbone, device: torch.device) -> None:
        path = cache_folder() / f"captioner-features-{digest([data.picture_fingerprint(), 'mobilenet_v2', 1])[:16]}.npy"
        if not path.is_file():
            from filelock import FileLock

            with FileLock(path.with_suffix(".lock")):
                if not path.is_file():
                    write_features(path, data, backbone, device)
        try:
            self.array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{path} is damaged: delete it, and it is computed anew.", received=str(error)[:80]
            ) from None

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, indices: list[int]) -> Float[Tensor, "b 320 hs ws"]:
        """The feature maps of these pictures."""
        return torch.from_numpy(self.array[indices].astype(np.float32))


@torch.inference_mode()
def write_features(path: Path, data: Any, backbone: Backbone, device: torch.device) -> None:
    """Compute the feature maps of all pictures into a file, aside at first: what is in the cache is whole."""
    announce(f"computing the feature maps of {len(data):,} pictures into the cache, once …")
    aside = path.with_name(f".{os.getpid()}-{path.name}")
    array: np.memmap | None = None
    try:
        for start in progress(range(0, len(data), BATCH), "feature maps of training pictures"):
            images = data.__getitems__(range(start, min(start + BATCH, len(data))))["image"]
            maps = backbone.feature_maps(images.to(device)).half().cpu().numpy()
            if array is None:
                array = np.lib.format.open_memmap(aside, "w+", np.float16, (len(data), *maps.shape[1:]))
            array[start : start + len(maps)] = maps
        if array is not None:
            array.flush()
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}.", received=str(path)) from None
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
