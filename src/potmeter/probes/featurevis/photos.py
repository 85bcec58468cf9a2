"""Real pictures that a channel is shown, from a folder or from what comes with the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from potmeter.core.progress import progress
from potmeter.core.system import System
from potmeter.data.folder import picture_files
from potmeter.data.samples import sample
from potmeter.data.sets.gcompris import read_animal_photos
from potmeter.data.sets.imagenet import foolbox_photos
from potmeter.data.sets.wheel_photos import PHOTOS
from potmeter.data.splits import take_evenly
from potmeter.errors import reject
from potmeter.media import Image

from .layers import Layer, activations, check_accepts, freeze
from .objectives import flatten_places

SMALLEST_PHOTO = 64
"""A network for colour pictures of at least this side is shown photographs, where no others are named."""
MAX_PHOTOS = 1000
"""Most pictures of a data set or folder that are searched."""
SCENES = tuple(name for name in PHOTOS if name not in {"brick", "grass", "gravel", "moon", "hubble", "page", "retina"})
"""Of the photos in the wheels, those that show things: textures and text would be at both ends of most channels."""


@dataclass(frozen=True)
class DatasetExamples:
    """Real pictures with a channel's lowest and highest activations; of a layer with small receptive fields, only these.

    Args:
        lowest, highest: (N, C, S, S) in [0, 1], the most extreme first.
        low, high: (N,), the channel's activations.
    """

    lowest: Tensor
    highest: Tensor
    low: Tensor
    high: Tensor


def load_photos(source: str | None, model: nn.Module, shape: tuple[int, int, int]) -> Float[Tensor, "n c h w"]:
    """Pictures as a network takes them.

    Args:
        source: A folder; default: the package's photographs, or for small pictures the test data of the system itself.
        model: The network.
        shape: (C, H, W).

    Raises:
        UserError: For a missing, empty or broken folder, or a network that has no pictures of its own.
    """
    channels, size = shape[0], shape[1]
    if source is not None:
        root = Path(source)
        root.is_dir() or reject(f"{root} is no folder of pictures.", source)
        files = picture_files(root, []) or reject(f"There are no pictures in {root}.", source)
        return torch.stack([Image.open(file).tensor(size, channels) for file in files[:MAX_PHOTOS]])
    if channels == 3 and size >= SMALLEST_PHOTO:
        return read_photographs(size)
    if isinstance(model, System) and (test := type(model).data(model.config).test) is not None:
        images: Tensor = (some := take_evenly(test, MAX_PHOTOS)).__getitems__(list(range(len(some))))["image"]
        return images
    return reject("This network has no pictures of its own: name a folder with --data.", f"{shape}")


@cache
def read_photographs(size: int) -> Float[Tensor, "n 3 s s"]:
    """foolbox's photos, GCompris' animals and those in scikit-image's and scikit-learn's wheels: centre squares."""
    foolbox: Any = foolbox_photos(size).tensors["image"].float() / 255
    animals = [
        Image.decode(content).tensor(size) for content in progress(list(read_animal_photos().values()), "photos")
    ]
    return torch.cat([foolbox, torch.stack(animals + [sample(name).tensor(size) for name in SCENES])])


@torch.no_grad()
def extreme_images(
    model: nn.Module, layer: Layer, number: int, images: Tensor, count: int, batch: int = 16
) -> DatasetExamples:
    """The dataset examples of a channel: the pictures with its lowest and its highest activations.

    What counts is the channel's mean over all places; where its receptive field is less than half of the picture's side, the
    most extreme activation of all places, and the example is the receptive field there.

    Args:
        model, layer, number: The channel.
        images: (N, C, S, S) in [0, 1].
        count: How many at either end.
        batch: Pictures at once.
    """
    found = []
    with freeze(model):
        for part in progress(images.split(batch), "examples"):
            given = check_accepts(model, partial(activations, model, part, [layer.name]), part.shape[1:])
            found.append(
                given[layer.name][:, number] if layer.spatial else flatten_places(given[layer.name])[:, number]
            )
    channel_activations = torch.cat(found)  # (N, h, w) or (N, P)
    count = min(count, len(images))
    if not layer.spatial or layer.receptive_field > images.shape[-1] / 2:
        values, order = channel_activations.flatten(1).mean(1).sort()
        low, high = order[:count], order.flip(0)[:count]
        return DatasetExamples(images[low], images[high], values[:count], values.flip(0)[:count])
    parts = []
    for sign in (-1, 1):
        values, place = (sign * channel_activations.flatten(1)).max(1)
        chosen = values.argsort(descending=True)[:count]
        examples = [
            crop_receptive_field(images[n], int(place[n]), channel_activations.shape[1:], int(layer.receptive_field))
            for n in chosen.tolist()
        ]
        parts.append((torch.stack(examples), sign * values[chosen]))
    (lowest, low), (highest, high) = parts
    return DatasetExamples(lowest, highest, low, high)


def crop_receptive_field(
    image: Float[Tensor, "c h w"], place: int, grid: tuple[int, ...], side: int
) -> Float[Tensor, "c s s"]:
    """The square of a picture that a unit sees, moved inwards where it would reach over the edge."""
    row, column = divmod(place, grid[1])
    height, width = image.shape[1:]
    top = min(max(0, round((row + 0.5) * height / grid[0] - side / 2)), height - side)
    left = min(max(0, round((column + 0.5) * width / grid[1] - side / 2)), width - side)
    return image[:, top : top + side, left : left + side]
