"""Who judges swapped faces: networks that were trained apart, of which none has learned from the swapper.

Of photographs, dlib's: 68 landmarks, and a descriptor of who it is, learned from other people (King 2017). Of drawn people,
whom dlib does not see as faces, a small network that is trained on drawings of its own.
"""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from potmeter.data.face_crops import LANDMARKS, MARGIN, load_detector, load_dlib, load_dlib_model, points_of

from .augmentation import middle_crops

SEEN = 256
"""Side in pixels at which dlib looks at a crop."""
SAME = 0.6
"""Distance of two descriptors below which it is the same person: dlib's own threshold."""


class Judge(Protocol):
    """Tells who a face is and where its landmarks are."""

    def judge(self, faces: Float[Tensor, "b 3 h w"], like: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, Tensor]:
        """The identity (B,), -1 for nobody known, and the landmarks (B, 68, 2) as shares of the side.

        ``like`` are the untouched pictures, which say where a face is looked for.
        """


class DlibJudge:
    """dlib's recognition network, which knows people by some of their photographs.

    Args:
        faces: Untouched crops of everybody.
        label: Who they are.
    """

    def __init__(self, faces: Float[Tensor, "n 3 h w"], label: Int[Tensor, " n"]) -> None:
        descriptors = self.look(faces, faces)[0]
        self.labels = label.unique()  # of weights that know more people, those whose pictures are here
        self.known = torch.stack([descriptors[label == number].mean(0) for number in self.labels])

    def judge(self, faces: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        descriptors, landmarks = self.look(faces, like)
        distance, nearest = torch.cdist(descriptors, self.known).min(1)
        return torch.where(distance < SAME, self.labels[nearest], -1), landmarks

    def look(self, faces: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Descriptors (B, 128) and landmarks (B, 68, 2) of faces."""
        dlib = load_dlib()
        locate = load_dlib_model("shape_predictor", "shape_predictor_68_face_landmarks.dat")
        describe = load_dlib_model("face_recognition_model_v1", "dlib_face_recognition_resnet_model_v1.dat")
        descriptors, landmarks = [], []
        for face, picture in zip(enlarge(faces), enlarge(like), strict=True):
            boxes = load_detector()(picture, 0)
            edge = SEEN // 6  # where dlib sees no face, about where faces are in crops
            box = boxes[0] if boxes else dlib.rectangle(edge, edge, SEEN - edge, SEEN - edge)
            shape = locate(face, box)
            landmarks.append((points_of(shape) + 0.5) / SEEN)
            descriptors.append(np.array(describe.compute_face_descriptor(face, shape)))
        return torch.from_numpy(np.stack(descriptors)).float(), torch.from_numpy(np.stack(landmarks)).float()


def enlarge(faces: Tensor) -> list[np.ndarray]:
    """Crops as uint8 (256, 256, 3)."""
    large = F.interpolate(faces, (SEEN, SEEN), mode="bicubic", align_corners=False).clamp(0, 1)
    return list((255 * large).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy())


class DrawnJudge(nn.Module):
    """Small networks for drawn people: of who it is one sees brows, eyes, nose and mouth only, in colours without a cast."""

    SIDE, STEPS, COUNT = 48, 300, 300

    def __init__(self, people: int) -> None:
        super().__init__()
        self.who, self.where = self.network(people), self.network(2 * LANDMARKS)

    def network(self, outputs: int) -> nn.Sequential:
        """Three strided convolutions and two dense layers."""
        layers: list[nn.Module] = []
        for before, after in ((3, 16), (16, 32), (32, 64)):
            layers += [nn.Conv2d(before, after, 5, 2, 2), nn.SiLU()]
        flat = 64 * (self.SIDE // 8) ** 2
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, 128), nn.SiLU(), nn.Linear(128, outputs))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        whole = F.interpolate(faces, (self.SIDE, self.SIDE), mode="bilinear", antialias=True)
        size = faces.shape[-1]
        inner = faces[:, :, size * 3 // 10 : size * 8 // 10, size // 4 : size * 3 // 4]
        inner = F.interpolate(inner, (self.SIDE, self.SIDE), mode="bilinear", antialias=True)
        inner = F.instance_norm(inner)
        return self.who(inner), 0.5 + self.where(2 * whole - 1).view(-1, LANDMARKS, 2)

    @torch.no_grad()
    def judge(self, faces: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        who, where = self(faces)
        return who.argmax(1), where


@cache
def train_drawn_judge() -> DrawnJudge:
    """The judge of drawn people, from drawings that nobody else sees; some seconds."""
    from potmeter.data.sets.drawn_people import PERSONS, draw_people

    data = draw_people(DrawnJudge.COUNT, seed=99)
    batch = data.__getitems__(range(len(data)))
    faces, landmarks = middle_crops(batch["image"], DrawnJudge.SIDE), inner_places(batch["landmarks"])
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        judge = DrawnJudge(len(PERSONS))
        optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, judge.STEPS)
        for _ in range(judge.STEPS):
            chosen = torch.randint(len(faces), (64,), generator=generator)
            light = 0.8 + 0.4 * torch.rand(64, 3, 1, 1, generator=generator)
            who, where = judge((faces[chosen] * light).clamp(0, 1))
            loss = F.cross_entropy(who, batch["label"][chosen])
            loss = loss + 500 * (where - landmarks[chosen]).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return judge.eval().requires_grad_(False)


def inner_places(landmarks: Tensor) -> Tensor:
    """Landmarks as shares of a crop with margin, as shares of the crop without."""
    return (landmarks - 0.5) * MARGIN + 0.5
