"""DensePose as a system: data, losses, training, use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.optim import Optimizer

from potmeter.core.films import change_frames
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch
from potmeter.data.imagenet_weights import load_imagenet_weights
from potmeter.data.object_files import scale_to
from potmeter.data.sets.body_geodesics import Geodesics, human_geodesics
from potmeter.data.sets.mannequins import mannequin_geodesics
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits, take_evenly
from potmeter.data.surface_files import surface_files
from potmeter.data.surfaces import CLASSES
from potmeter.errors import reject
from potmeter.media import Image, Result, Video
from potmeter.nn.backbones import MobileNetV2
from potmeter.nn.detection.instances import Instances
from potmeter.nn.detection.masks import paste_all
from potmeter.nn.detection.trunk import set_norms
from potmeter.nn.muon import move_to_muon
from potmeter.notices import note

from . import model
from .atlas import COLUMNS, ROWS, Atlas, fill_gaps, lift_texture, make_pattern, split_atlas
from .augment import flip
from .baselines import MeanPose
from .draw import draw_surfaces, dress, encode_iuv
from .examples import examples
from .loss import surface_losses
from .measure import measure, predict_people
from .model import SurfaceMaps
from .paste import SurfaceImage, paste_surfaces
from .presets import PRESETS
from .targets import crop_targets, list_people

VALIDATED = 40
"""Validation pictures that are measured during training."""
AVERAGED = 800
"""Training pictures over which the mean pose is taken."""
Score = Annotated[float, Range(0.05, 1)]
Pattern = Literal["checks", "stripes", "dots", "rainbow", "grid"]


@dataclass(frozen=True)
class People(Result):
    """The people in a picture: their surfaces drawn over it, and part, U and V as DensePose's programs save them."""

    picture: Image
    iuv: Image


class DensePose(System):
    """Finds for every pixel of a person the place on the body's surface that it shows, as part, U and V."""

    name = "densepose"
    Config = model.Config
    presets = PRESETS
    goal = Goal("gps", "higher")
    mixed_precision = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.DensePoseRCNN(config)
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    # 1. Pictures of people

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures of people, with the part, U and V of every pixel.

        Args:
            source: bodies, mannequins, or a folder of pictures with NAME_IUV.png beside each
        """
        source = source or config.dataset
        if source in DATA_SETS and DATA_SETS[source].kind == "pictures with surfaces":
            splits: Splits = DATA_SETS[source].read(size=config.image_size)
            return splits
        return surface_files(source, config.image_size, config.max_size)

    def warm_start(self) -> None:
        """Begin with the public ImageNet weights in the backbone."""
        if self.config.backbone == "mobilenet" and self.config.pretrained:
            public = set_norms(load_imagenet_weights(MobileNetV2(None)), self.config.norm, 1e-5)
            self.model.backbone.body.load_state_dict(public.state_dict())

    # 3. The losses

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The sum of Mask R-CNN's four, of anchors and regions, and DensePose's four: segments, parts, U and V."""
        if self.training and self.config.augment == "flip":
            batch = flip(batch, self.rng)
        config, people = self.config, list_people(batch)
        sizes = [(int(height), int(width)) for height, width in batch["size"]]
        seeds = self.rng.integers(2**31, len(people)).tolist()
        rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
        losses, predicted, positives = self.model.detection_losses(batch["image"], sizes, people, rngs)
        targets = crop_targets(batch, people, positives, model.HEATMAP_SIDE, rngs)
        weights = config.segment_weight, config.part_weight, config.point_weight
        losses = losses | surface_losses(predicted, targets, weights)
        return {"loss": torch.stack([*losses.values()]).sum()} | losses

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW; with ``muon_lr``, Muon for the convolutions of the pyramid and of the DensePose head."""
        optimizers, c = super().optimizers(), self.config
        if c.muon_lr:
            modules = self.model.backbone.fpn, self.model.roi_heads.densepose_head
            filters = [p for module in modules for p in module.parameters() if p.ndim >= 2]
            optimizers["convolutions"] = move_to_muon(filters, optimizers["model"], c.muon_lr, c.weight_decay)
        return optimizers

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The metrics of some pictures."""
        return self.evaluate(take_evenly(data, VALIDATED))

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Geodesic point similarity, accuracy of the parts, and PSNR of a texture's round trip, for each person."""
        people = predict_people(self.model, data, self.device)
        if not people:
            note("Nobody is in the pictures that are measured: every measure is 0.")
        return measure(people, self.geodesics())

    def geodesics(self) -> Geodesics:
        """Distances along the body of which the people of the data are; of a user's own, those of MakeHuman's."""
        return mannequin_geodesics() if self.config.dataset == "mannequins" else human_geodesics()

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The metrics of the training pictures' mean pose, put into everybody's true box."""
        people = MeanPose(take_evenly(splits.train, AVERAGED)).predict(splits.test)
        return {f"mean_pose_{name}": float(values.mean()) for name, values in measure(people, self.geodesics()).items()}

    # 5. Use

    def forward(self, images: Tensor) -> list[Instances]:
        """The people in pictures (B, 3, H, W) in [0, 1], with masks in their pixels; as ``detect``."""
        return self.detect(images)

    def run(self, image: Image, *, score: Score = 0.5) -> People:
        """Find people, and for each of their pixels the place on the body: the part's colour, with contours of U and V.

        Args:
            image: the picture
            score: probability from which a person counts
        """
        found = self.find_or_note(image, score)
        return People(draw_surfaces(image, found), encode_iuv(found))

    @task
    def atlas(self, image: Image, *, score: Score = 0.5, side: Annotated[int, Range(8, 512)] = 128) -> Image:
        """Lift the texture off the likeliest person: a chart for each of the 24 parts, in four columns of six.

        Args:
            image: the picture
            score: probability from which a person counts
            side: pixels of a chart's side
        """
        found = self.find_or_note(image, score)
        own = (found.person == 1).numpy()
        part, uv = found.part.numpy()[own], found.uv.numpy()[:, own].T
        lifted = lift_texture(part, uv, image.pixels[own] / 255, side)
        return Image(fill_gaps(lifted, side / 8).picture())

    @task
    def dress(
        self, image: Image, *, texture: Image | None = None,
        pattern: Pattern = "checks", skin: bool = False, score: Score = 0.5,
        opacity: Annotated[float, Range(0, 1)] = 0.9,
    ) -> Image:  # fmt: skip
        """Put a texture or a pattern onto the people in a picture; the light on them is kept.

        Args:
            image: the picture
            texture: an atlas as densepose:atlas makes it: charts in four columns of six
            pattern: where no texture is given
            skin: heads and hands too
            score: probability from which a person counts
            opacity: of the texture or pattern
        """
        atlas = read_atlas(texture) if texture is not None else make_pattern(pattern)
        return dress(image, self.find_or_note(image, score), atlas, clothes_only=not skin, opacity=opacity)

    @task
    def film(
        self, video: Video, *, pattern: Pattern = "checks", skin: bool = False,
        score: Score = 0.5, opacity: Annotated[float, Range(0, 1)] = 0.9,
    ) -> Video:  # fmt: skip
        """Put a pattern onto the people in a video, frame by frame: it moves with them.

        Args:
            video: its sound is kept
            pattern: the pattern
            skin: heads and hands too
            score: probability from which a person counts
            opacity: of the pattern
        """
        atlas = make_pattern(pattern)

        def change(frame: np.ndarray) -> np.ndarray | None:
            picture = Image(frame)
            dressed = dress(picture, self.find(picture, score), atlas, clothes_only=not skin, opacity=opacity)
            return None if dressed is picture else dressed.pixels

        def finish(count: int, unchanged: int) -> None:
            if unchanged:
                note(f"{unchanged:,} of {count:,} frames show nobody to dress and stay as they are.")

        return change_frames(video, change, "dressing frames", finish)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)

    # What probes and other systems use (core.capabilities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; the first has label 1."""
        return CLASSES

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures it was trained on; it takes others too."""
        return 3, self.config.image_size, self.config.image_size

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[Instances]:
        """The people in pictures (B, 3, H, W) in [0, 1], the likeliest first; masks (n, H, W) are probabilities."""
        height, width = images.shape[2:]
        detected = []
        for people, predicted in self.model.detect(images, [(height, width)] * len(images)):
            masked = people.with_masks(1 - predicted.segments.softmax(1)[:, 0])
            detected.append(masked.with_masks(paste_all(masked, height, width)))
        return detected

    def input_loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy (B,), the mean over each picture's proposals, for the labels ``target`` (B,): 0 is nobody."""
        return self.model.region_cross_entropy(x, target)

    def find_or_note(self, image: Image, score: float) -> SurfaceImage:
        """As ``find``; that there is nobody is told."""
        found = self.find(image, score)
        if not len(found.scores):
            note(f"Nobody is found with a probability of {score:g} or more.")
        return found

    @torch.no_grad()
    def find(self, image: Image, score: float) -> SurfaceImage:
        """The surfaces of the people in a user's picture, in its own pixels, on the CPU.

        Args:
            image: The picture.
            score: Probability, in [0.05, 1], from which a person counts.
        """
        (width, height), config = image.size, self.config
        h, w = scale_to((height, width), config.image_size, config.max_size)
        copy = Image.from_pil(image.pil().resize((w, h), PIL.Image.Resampling.BILINEAR))
        ((people, predicted),) = self.model.detect(copy.tensor()[None].to(self.device), [(h, w)], score)
        assert people.scores is not None
        boxes = people.boxes.cpu() * torch.tensor([width / w, height / h] * 2)
        scaled = Instances(boxes, people.labels.cpu(), people.scores.cpu())
        return paste_surfaces(scaled, SurfaceMaps(*(values.cpu() for values in predicted)), height, width)


def read_atlas(texture: Image) -> Atlas:
    """The atlas in a user's picture; UserError where its charts are not square."""
    width, height = texture.size
    if width * ROWS != height * COLUMNS or height % ROWS or height // ROWS < 2:
        reject("A texture is an atlas of square charts in four columns of six.", f"{width} × {height}")
    return split_atlas(texture.pixels)
