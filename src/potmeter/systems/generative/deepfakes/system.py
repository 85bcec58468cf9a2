"""DeepFakes as a system: data, loss, training, use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.films import change_frames
from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch, in_batches
from potmeter.data.face_crops import Face, crop_face, find_faces
from potmeter.data.face_folder import face_folder
from potmeter.data.folder import check_classes
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Album, Image, Manifest, MarkedImage, Result, Table, Video, name_images
from potmeter.nn.ssim import ssim
from potmeter.notices import note

from . import model
from .augmentation import degrade, jitter, middle_crops, warp
from .blending import blend
from .checkpoints import read_faceswap
from .conversion import draw_label, provenance, swap_face, to_tensor
from .examples import examples
from .measure import SUSPICIOUS, measure, measure_rivals
from .presets import PRESETS

Identity = Annotated[str, Choice("identities")] | None

LEAST = 0.2
"""Strength of warping and jitter once it has fallen."""
JUDGED = 6
"""Faces of a minibatch that the detector sees swapped."""
CONSENT = "Whoever is shown has consented, or does not exist: confirm it with {}."


@dataclass(frozen=True)
class SwappedPicture(Result):
    """A picture with another's face, and its provenance mark as a file."""

    picture: MarkedImage
    provenance: Manifest


@dataclass(frozen=True)
class SwappedFilm(Result):
    """A film with another's face, and its provenance mark as a file."""

    film: Video
    provenance: Manifest


@dataclass(frozen=True)
class SwappedPictures(Result):
    """Pictures with another's face, what was found in each, and their provenance mark as a file."""

    pictures: Album
    found: Table
    provenance: Manifest


@dataclass(frozen=True)
class Extraction(Result):
    """Upright crops of faces, and what was found in each picture."""

    faces: Album
    found: Table


class DeepFakes(System):
    """Puts one person's face in place of another's, with the other's expression (anonymous 2017)."""

    name = "deepfakes"
    Config = model.Config
    presets = PRESETS
    goal = Goal("loss", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.swapper = model.FaceSwapper(config)
        self.detector = model.Detector()
        self.to(memory_format=torch.channels_last)

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A network from faceswap's folder, of which a file is named (``checkpoints.py``); there is no detector in it."""
        config, state = read_faceswap(file)
        system = cls(config)
        system.swapper.load_state_dict(state)
        nn.init.zeros_(system.detector.to_logit.weight)  # so that it is told from one that has learned
        return system

    # 1. Faces of people, and who they are

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, *, consent: bool = False) -> Splits:
        """Upright crops of faces.

        Args:
            source: people, drawn-people, or a folder with a folder of pictures and films for each person
            consent: of a folder: that whoever is shown has consented to this, or does not exist
        """
        source = source or config.dataset
        if source in DATA_SETS and DATA_SETS[source].kind == "faces with landmarks":
            splits: Splits = DATA_SETS[source].read()
            check_classes(config.identities, splits.classes)
            return splits
        consent or not Path(source).is_dir() or reject(CONSENT.format("--consent"), f"{source} without it")
        return face_folder(source, 2 * config.image_size, config.identities)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, identities=splits.classes)

    # 3. The loss

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Absolute error and structural dissimilarity of the faces drawn from warped ones, where the face is."""
        return self.drawing_losses(*self.augment(batch), batch["label"])

    def drawing_losses(self, faces: Tensor, masks: Tensor, label: Tensor, strength: float = 1.0) -> dict[str, Tensor]:
        """The losses of jittered faces of known people, warped at a strength; -1 is for others."""
        known = label >= 0
        faces, masks, label = faces[known], masks[known], label[known]
        drawn = self.swapper(warp(faces, strength * self.config.warp, self.rng), label)
        return self.errors(drawn.float(), faces, masks)

    def augment(self, batch: Batch, strength: float = 1.0) -> tuple[Tensor, Tensor]:
        """The faces and their masks, jittered at a strength."""
        both = torch.cat([batch["image"], batch["mask"]], 1)
        faces, masks = jitter(both, self.config.image_size, strength, self.rng).split([3, 1], 1)
        return faces, masks

    def augmentation_strength(self, fraction: float) -> float:
        """How strongly faces are warped and jittered after a share of the training: 1 at first."""
        over = self.config.anneal
        return 1 - (1 - LEAST) * min(1.0, fraction / over) if over else 1.0

    def errors(self, drawn: Tensor, faces: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """The loss and its parts."""
        weight = self.config.background + (1 - self.config.background) * masks
        weight = weight / weight.mean()
        absolute = (weight * (drawn - faces).abs()).mean()
        dissimilarity = (weight * (1 - ssim(drawn, faces)) / 2).mean()
        return {
            "loss": absolute + self.config.ssim_weight * dissimilarity,
            "absolute": absolute,
            "dissimilarity": dissimilarity,
        }

    def detection_loss(self, faces: Tensor, masks: Tensor, label: Tensor) -> Tensor:
        """Cross-entropy of the detector on untouched faces and on swapped ones, which weigh as much."""
        known = (label >= 0).nonzero()[:, 0][:JUDGED]
        with torch.no_grad():
            swapped = self.swap_crops(faces[known], masks[known], self.other_identity(label[known]))
        logits = self.detector(degrade(torch.cat([faces, swapped]), self.rng)).float()
        target = torch.cat([logits.new_zeros(len(faces)), logits.new_ones(len(swapped))])
        weight = torch.where(target > 0, 0.5 / max(len(swapped), 1), 0.5 / len(faces))
        return F.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")

    def other_identity(self, label: Tensor) -> Tensor:
        """The next identity to each, int64 (B,)."""
        return (label + 1) % max(len(self.config.identities), 1)

    def swap_crops(self, faces: Tensor, masks: Tensor, identity: Tensor) -> Tensor:
        """Crops (B, 3, S, S) with the faces of other identities in place."""
        return blend(self.swapper(faces, identity).float(), faces, masks)

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW for the swapper and for the detector, each alone."""
        fused = self.device.type in ("cpu", "cuda")
        return {
            name: torch.optim.AdamW(
                module.parameters(), lr=self.config.lr, weight_decay=self.config.weight_decay, fused=fused
            )
            for name, module in (("swapper", self.swapper), ("detector", self.detector))
        }

    def step(self, batch: Batch, trainer: Any) -> dict[str, Tensor]:
        """The swapper learns to draw, then the detector to tell."""
        strength = self.augmentation_strength(trainer.fraction_done)
        faces, masks = self.augment(batch, strength)
        with self.autocast():
            losses = self.drawing_losses(faces, masks, batch["label"], strength)
        trainer.update(losses["loss"], "swapper")
        with self.autocast():
            detection = self.detection_loss(faces, masks, batch["label"])
        trainer.update(detection, "detector")
        return losses | {"detection": detection}

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The losses of faces that are not trained on, as they are."""
        parts = []
        for batch in in_batches(data, 64, self.device):
            known = batch["label"] >= 0
            if known.any():
                both = torch.cat([batch["image"], batch["mask"]], 1)[known]
                faces, masks = middle_crops(both, self.config.image_size).split([3, 1], 1)
                losses = self.errors(self.swapper(faces, batch["label"][known]), faces, masks)
                parts.append((float(known.sum()), losses))
        count = sum(n for n, _ in parts)
        return {name: torch.stack([n / count * losses[name] for n, losses in parts]).sum() for name in parts[0][1]}

    def validation_loss(self, data: Any) -> Tensor:
        return self.validate(data)["loss"]

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Whom swapped faces are taken for, where their landmarks are, and whether they are told from untouched ones."""
        return measure(self, data)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The other's mean face warped in; principal components; sharpness as the only sign of a swap."""
        return measure_rivals(self, splits.train, splits.test)

    def describe_metrics(self) -> dict[str, str]:
        who = "a network trained on other drawings" if self.config.dataset == "drawn-people" else "dlib's networks"
        return {"identity": f"judged by {who}", "landmark_error": f"located by {who}"}

    # 5. Use

    def forward(self, faces: Tensor, identity: Tensor) -> Tensor:
        """Upright crops of faces (B, 3, S, S) in [0, 1] as those of identities, int64 (B,)."""
        y: Tensor = self.swapper(faces, identity)
        return y

    @property
    def identities(self) -> tuple[str, ...]:
        """Whose faces can be drawn."""
        return self.config.identities

    @torch.no_grad()
    def suspicion(self, faces: Tensor) -> Tensor:
        """The detector's probability (B,) that upright crops (B, 3, S, S) were swapped."""
        return torch.cat([self.detector(part.to(self.device)).sigmoid().cpu() for part in faces.split(64)])

    def run(
        self, image: Image, identity: Identity = None, *, consent: bool = False, label: bool = True
    ) -> SwappedPicture:
        """Put somebody's face into a picture; of several faces in it, the largest is replaced.

        Args:
            image: the picture
            identity: whose face; default: the last that was learned
            consent: that whoever is shown has consented to this, or does not exist
            label: draw a visible label; the mark in the file's metadata is written in any case
        """
        who = self.choose(identity, consent)
        faces = find_faces(image.pixels) or reject_faceless(image.name or "the picture")
        if len(faces) > 1:
            note(f"{len(faces)} faces were found; the largest is replaced.")
        pixels = self.convert(image.pixels, faces[:1], who, label)
        mark = provenance(self.identities[who])
        return SwappedPicture(MarkedImage(pixels, image.name, mark), Manifest(mark))

    @task
    def video(
        self, clip: Video, identity: Identity = None, *, consent: bool = False, label: bool = True
    ) -> SwappedFilm:
        """Put somebody's face into a film, frame by frame; its sound is kept as it is.

        Args:
            clip: the film; frames without a face stay as they are
            identity: whose face; default: the last that was learned
            consent: that whoever is shown has consented to this, or does not exist
            label: draw a visible label; the mark in the file's metadata is written in any case
        """
        who = self.choose(identity, consent)

        def change(frame: np.ndarray) -> np.ndarray | None:
            faces = find_faces(frame)
            return self.convert(frame, faces[:1], who, label) if faces else None

        def finish(count: int, unchanged: int) -> None:
            unchanged < count or reject_faceless("any frame of the film")
            if unchanged:
                note(f"{unchanged} of {count} frames show no face and stay as they are.")

        film, mark = change_frames(clip, change, "swapping faces", finish), provenance(self.identities[who])
        return SwappedFilm(replace(film, provenance=mark), Manifest(mark))

    @task
    def folder(
        self, images: list[Image], *, identity: Identity = None, consent: bool = False, label: bool = True
    ) -> SwappedPictures:
        """Put somebody's face into many pictures.

        Args:
            images: pictures, or folders of them; those without a face are left out
            identity: whose face; default: the last that was learned
            consent: that whoever is shown has consented to this, or does not exist
            label: draw a visible label; the mark in the files' metadata is written in any case
        """
        who, swapped, rows = self.choose(identity, consent), [], []
        mark = provenance(self.identities[who])
        for image, name in zip(progress(images, "swapping faces"), name_images(images), strict=True):
            faces = find_faces(image.pixels)
            rows.append((name, len(faces), "the largest is replaced" if faces else "left out: no face"))
            if faces:
                swapped.append(Image(self.convert(image.pixels, faces[:1], who, label), image.name, mark))
        swapped or reject_faceless("any of the pictures")
        return SwappedPictures(Album(swapped), Table(("picture", "faces", "result"), rows), Manifest(mark))

    @task
    def extract(self, images: list[Image], *, side: Annotated[int, Range(16, 1024)] = 256) -> Extraction:
        """Cut upright faces out of pictures: what one looks through before one learns from it.

        Args:
            images: pictures, or folders of them
            side: of the crops, in pixels
        """
        crops, rows = [], []
        for image, name in zip(progress(images, "finding faces"), name_images(images), strict=True):
            faces = find_faces(image.pixels)
            distance = f"{faces[0].eye_distance:.0f}" if faces else ""
            rows.append((name, len(faces), distance, "" if len(faces) == 1 else "not learned from: not one face"))
            crops += [Image(crop_face(image.pixels, face.landmarks, side)[0], image.name) for face in faces]
        crops or reject_faceless("any of the pictures")
        return Extraction(Album(crops), Table(("picture", "faces", "pixels between the eyes", "rejected"), rows))

    @task
    def detect(self, image: Image) -> Table:
        """Say whether a picture was made here: by the mark in its file, and by a network that has learned to tell.

        Args:
            image: the picture
        """
        mark, rows = image.provenance, []
        told = "none, which proves nothing: a mark can be taken out"
        if mark:
            told = f"{mark.source_type}, by {'this package' if mark.is_ours else mark.software or 'somebody'}"
        rows.append(("mark", told))
        if not self.detector.to_logit.weight.any():
            return Table(("what", "result"), [*rows, ("faces", "not looked at: these weights came without a detector")])
        faces = find_faces(image.pixels)
        for number, face in enumerate(faces, 1):
            crop = to_tensor(crop_face(image.pixels, face.landmarks, self.config.image_size)[0])
            chance = float(self.suspicion(crop))
            rows.append(
                (f"face {number}", f"{'swapped' if chance > SUSPICIOUS else 'untouched'} ({chance:.0%} sure of a swap)")
            )
        if not faces:
            rows.append(("faces", "none found"))
        if measured := self.card.get("metrics", {}):
            rows.append(
                (
                    "how often the network errs",
                    f"{1 - measured['detected']:.0%} of swapped faces are missed, {measured['false_alarms']:.0%} of "
                    "untouched ones are accused, of those that it was measured on",
                )
            )
        return Table(("what", "result"), rows)

    def choose(self, identity: str | None, consent: bool) -> int:
        """The number of an identity. Raises UserError without consent, which is asked for here and nowhere else."""
        consent or reject(CONSENT.format("--consent (consent=True)"), "no consent")
        return self.identities.index(identity or self.identities[-1])

    def convert(self, pixels: np.ndarray, faces: list[Face], who: int, label: bool) -> np.ndarray:
        """A picture uint8 (H, W, 3) with faces drawn as an identity's, labelled where there are any."""
        for face in faces:
            pixels = swap_face(self.swapper, pixels, face, who, self.config.image_size)
        return draw_label(pixels) if label and faces else pixels

    def examples(self) -> list[Example]:
        return examples(self.identities)

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        faces = torch.rand(2, 3, self.config.image_size, self.config.image_size)
        halves = {name: nn.Sequential(self.swapper.encoder, decoder) for name, decoder in self.decoders().items()}
        return {name: (half, (faces,)) for name, half in halves.items()} | {"detector": (self.detector, (faces,))}

    def decoders(self) -> dict[str, nn.Module]:
        """The decoders by whose face they draw."""
        return dict(zip(self.identities, self.swapper.decoders, strict=True))


def reject_faceless(where: str) -> NoReturn:
    """Raise the UserError for what shows no face."""
    size = "at least 40 pixels high and a twentieth of the picture's longer side"  # smaller ones are seldom found
    reject(f"A face seen from the front is needed, {size}.", f"no face in {where}")
