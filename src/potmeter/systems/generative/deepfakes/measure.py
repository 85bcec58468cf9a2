"""How good swapped faces are, and how well they are told from untouched ones; and what simpler methods reach."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from potmeter.data.batches import in_batches
from potmeter.data.head_views import add_head_points, warp_piecewise
from potmeter.errors import reject
from potmeter.metrics.pca import pca_mse

from .augmentation import middle_crops
from .blending import blend
from .judges import DlibJudge, Judge, inner_places, train_drawn_judge

if TYPE_CHECKING:
    from .system import DeepFakes

SUSPICIOUS = 0.5
"""Probability from which on the detector calls a face swapped; chosen on validation data."""
QUALITY = 70
"""Of the JPEGs that the detector must see through."""


@dataclass(frozen=True)
class Crops:
    """The crops of a data set, without margin, at twice the network's size: fine enough to judge."""

    faces: Tensor
    masks: Tensor
    landmarks: Tensor
    label: Tensor

    def select_known(self) -> Crops:
        """Those of people whom the network draws."""
        chosen = self.label >= 0
        return Crops(self.faces[chosen], self.masks[chosen], self.landmarks[chosen], self.label[chosen])


def load_crops(data: Any, side: int) -> Crops:
    """All crops of a data set, ``side`` pixels high."""
    parts = []
    for batch in in_batches(data, 64):
        faces, masks = middle_crops(torch.cat([batch["image"], batch["mask"]], 1), side).split([3, 1], 1)
        parts.append((faces, masks, inner_places(batch["landmarks"]), batch["label"]))
    return Crops(*(torch.cat(column) for column in zip(*parts, strict=True)))


def halve(faces: Tensor) -> Tensor:
    """Crops at the network's size."""
    return F.avg_pool2d(faces, 2)


def double(faces: Tensor) -> Tensor:
    """Crops at twice the size."""
    return F.interpolate(faces, scale_factor=2, mode="bicubic", align_corners=False).clamp(0, 1)


def choose_judge(dataset: str, crops: Crops) -> Judge:
    """Who judges faces of a data set, where untouched ones are known."""
    return train_drawn_judge() if dataset == "drawn-people" else DlibJudge(crops.faces, crops.label)


def next_person(label: Tensor) -> Tensor:
    """For each label the next one of those that there are pictures of, int64 (B,)."""
    present = label.unique()
    return present.roll(-1)[torch.searchsorted(present, label)]


def swap_all(system: DeepFakes, crops: Crops) -> tuple[Tensor, Tensor]:
    """All crops with the next identity's face, drawn at the network's size and put in at twice of it; and whose it is."""
    identity = next_person(crops.label)
    swapped = []
    for faces, masks, wanted in zip(*(x.split(64) for x in (crops.faces, crops.masks, identity)), strict=True):
        drawn = system.swapper(halve(faces).to(system.device), wanted.to(system.device)).cpu()
        swapped.append(blend(double(drawn), faces, masks))
    return torch.cat(swapped), identity


def landmark_errors(places: Tensor, wanted: Tensor) -> Float[Tensor, " b"]:
    """Mean distances of landmarks (B, 68, 2) from where they should be, in eye distances."""
    eyes = wanted[:, 42:48].mean(1) - wanted[:, 36:42].mean(1)
    return (places - wanted).norm(dim=2).mean(1) / eyes.norm(dim=1)


def judge_swaps(judge: Judge, swapped: Tensor, identity: Tensor, untouched: Tensor) -> dict[str, Tensor]:
    """Whether each is taken for the identity that it was drawn as, and how far its landmarks are from the untouched face's."""
    who, places = judge.judge(swapped, untouched)
    _, wanted = judge.judge(untouched, untouched)
    return {"identity": (who == identity).float(), "landmark_error": landmark_errors(places, wanted)}


def compress(faces: Tensor) -> Tensor:
    """Crops as they come back from a JPEG of quality 70."""
    out = []
    for pixels in (255 * faces).round().byte().permute(0, 2, 3, 1).numpy():
        buffer = io.BytesIO()
        PIL.Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
        out.append(np.array(PIL.Image.open(buffer)))
    return torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2).float() / 255


def coarsen(faces: Tensor) -> Tensor:
    """Crops as they come from a picture of half the size: as coarse as what is drawn."""
    return double(halve(faces))


def measure(system: DeepFakes, data: Any) -> dict[str, Tensor]:
    """All metrics, a value for each face."""
    side = system.config.image_size
    everybody = load_crops(data, 2 * side)
    crops = everybody.select_known()
    check_people(system, crops.label)
    swapped, identity = swap_all(system, crops)
    judge = choose_judge(system.config.dataset, crops)
    metrics = judge_swaps(judge, swapped, identity, crops.faces)
    drawn = torch.cat(
        [
            system.swapper(halve(faces).to(system.device), label.to(system.device)).cpu()
            for faces, label in zip(crops.faces.split(64), crops.label.split(64), strict=True)
        ]
    )
    masks = halve(crops.masks)
    errors = (masks * (drawn - halve(crops.faces)).square()).sum((1, 2, 3))
    metrics["reconstruction"] = errors / (3 * masks.sum((1, 2, 3)).mean())
    return metrics | {
        "detected": flag_swapped(system, swapped),
        "detected_jpeg": flag_swapped(system, compress(swapped)),
        "false_alarms": flag_swapped(system, everybody.faces),
        "false_alarms_jpeg": flag_swapped(system, compress(everybody.faces)),
        "false_alarms_small": flag_swapped(system, coarsen(everybody.faces)),
    }


def check_people(system: DeepFakes, label: Tensor) -> None:
    """Raise UserError unless there are faces of two people, all of whom the network draws."""
    count, present = len(system.identities), label.unique()
    (len(present) >= 2 and int(present.max()) < count) or reject(
        f"It is measured on faces of two of {', '.join(system.identities)} or more, and of nobody else.",
        f"{int((present < count).sum())} of them, {int((present >= count).sum())} others",
    )


def flag_swapped(system: DeepFakes, faces: Tensor) -> Float[Tensor, " b"]:
    """1 for crops that the detector takes for swapped, else 0."""
    return (system.suspicion(halve(faces)) > SUSPICIOUS).float()


# Simpler methods ----------------------------------------------------------------------------------------------------


def measure_rivals(system: DeepFakes, train: Any, test: Any) -> dict[str, float]:
    """Principal components, the other's mean face warped in, and sharpness as the only sign of a swap."""
    side = system.config.image_size
    learned, everybody = load_crops(train, side).select_known(), load_crops(test, 2 * side)
    crops = everybody.select_known()
    judge = choose_judge(system.config.dataset, crops)
    pasted, identity = paste_mean_faces(system, learned, crops)
    judged = judge_swaps(judge, pasted, identity, crops.faces)
    masks = halve(crops.masks)
    inside = (learned.masks * learned.faces).flatten(1), (masks * halve(crops.faces)).flatten(1)
    error = pca_mse(inside[0], inside[1], system.config.code_dim) * masks.numel() / float(masks.sum())
    swapped, _ = swap_all(system, crops)
    untouched = torch.cat([everybody.faces, coarsen(everybody.faces)])
    alarms = max(float(flag_swapped(system, untouched).mean()), 0.01)
    threshold = sharpness(untouched).quantile(alarms)  # as many false alarms as ours
    return {
        "paste_identity": float(judged["identity"].mean()),
        "paste_landmark_error": float(judged["landmark_error"].mean()),
        "pca_reconstruction": error,
        "sharpness_detected": float((sharpness(swapped) < threshold).float().mean()),
    }


def paste_mean_faces(system: DeepFakes, learned: Crops, crops: Crops) -> tuple[Tensor, Tensor]:
    """Each face replaced by the next identity's mean face, warped to its landmarks, and blended as ours are."""
    identity, side = next_person(crops.label), crops.faces.shape[-1]
    warped = torch.empty_like(crops.faces)
    for number in identity.unique().tolist():
        own = learned.label == number
        mean = F.interpolate(learned.faces[own].mean(0, keepdim=True), (side, side), mode="bilinear")[0]
        pixels = (255 * mean).round().byte().permute(1, 2, 0).numpy()
        points = add_head_points(side * learned.landmarks[own].mean(0).numpy())
        for place in (identity == number).nonzero()[:, 0].tolist():
            target = add_head_points(side * crops.landmarks[place].numpy())
            picture = warp_piecewise([(pixels, points)], (1.0,), target)
            warped[place] = torch.from_numpy(picture).permute(2, 0, 1) / 255
    return blend(warped, crops.faces, crops.masks), identity


def sharpness(faces: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Variance of the Laplacian of the luminance in the middle of crops (Pech-Pacheco et al. 2000)."""
    kernel = faces.new_tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    grey, quarter = faces.mean(1, keepdim=True), faces.shape[-1] // 4
    return F.conv2d(grey[..., quarter:-quarter, quarter:-quarter], kernel).var((1, 2, 3))
