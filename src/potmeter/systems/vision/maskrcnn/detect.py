"""From a user's picture to the things in it, in the picture's own pixels."""

from __future__ import annotations

import PIL.Image
import torch

from potmeter.data.object_files import scale_to
from potmeter.media import Detection, Detections, Image
from potmeter.nn.detection.masks import paste

from .measure import SURE
from .model import Config, MaskRCNN


@torch.no_grad()
def detect(
    picture: Image, network: MaskRCNN, config: Config, score: float, device: torch.device, *, one_name: bool = True
) -> Detections:
    """What is found in a picture, the likeliest first.

    Args:
        picture: Of any size.
        network: In evaluation mode.
        config: How large a copy it looks at, and what the classes are called.
        score: Probability from which a thing counts.
        device: Where the network is.
        one_name: Whether a thing is found once, as what it most likely is; else once for each class that it may be of, as
            average precision wants it.
    """
    width, height = picture.size
    h, w = scale_to((height, width), config.image_size, config.max_size)
    copy = Image.from_pil(picture.pil().resize((w, h), PIL.Image.Resampling.BILINEAR))
    (found,) = network.detect(copy.tensor()[None].to(device), [(h, w)])
    found = found.drop_overlapping() if one_name else found
    assert found.scores is not None
    assert found.masks is not None
    boxes = found.boxes.cpu() * torch.tensor([width / w, height / h] * 2)
    things = []
    for box, label, probability, mask in zip(boxes, found.labels, found.scores, found.masks.cpu(), strict=True):
        if probability < score:
            break
        top, left, probs = paste(mask, box, height, width)
        things.append(
            Detection(
                config.classes[int(label) - 1],
                float(probability),
                tuple(box.tolist()),
                (probs >= SURE).numpy(),
                (left, top),
            )
        )
    return Detections(picture, tuple(things), tuple(config.classes))
