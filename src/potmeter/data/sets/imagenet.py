"""ImageNet (ILSVRC 2012): the names of its classes, and a few of its photographs."""

from __future__ import annotations

import torch

from potmeter.data.fetching.fetch import fetch
from potmeter.data.splits import Splits, TensorData
from potmeter.media import Image


def imagenet_classes() -> tuple[str, ...]:
    """The names of ImageNet's 1000 classes (ILSVRC 2012) in the order of the labels, as torchvision carries them."""
    from torchvision.models import MobileNet_V2_Weights

    return tuple(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def foolbox_photos(size: int = 512) -> TensorData:
    """The 20 ImageNet photos of foolbox, centre squares.

    Args:
        size: Side in pixels; the files are 512×512, some 1024×683. (foolbox itself squeezes those into a square.)

    Returns:
        TensorData with ``image`` uint8 (20, 3, size, size), ``label`` int64 (20,): the ImageNet class, which the files
        carry in their names (``imagenet_00_243.jpg`` is photo 0, class 243, a bull mastiff).
    """
    paths = sorted((fetch("foolbox") / "foolbox" / "data").glob("imagenet_*.jpg"))
    labels = torch.tensor([int(path.stem.split("_")[2]) for path in paths])
    image = torch.stack([Image.open(path).uint8_tensor(size) for path in paths])
    return TensorData(classes=imagenet_classes(), names=[path.stem for path in paths], image=image, label=labels)


def imagenet_photos(size: int = 512) -> Splits:
    """foolbox's photos as test data; there is nothing to train on."""
    photos = foolbox_photos(size)
    return Splits(photos.head(0), None, photos, dataset="imagenet")
