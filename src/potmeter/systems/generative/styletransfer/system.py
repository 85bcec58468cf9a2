"""Style transfer as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from potmeter.core.films import change_frames
from potmeter.core.progress import progress
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch, in_batches
from potmeter.data.fingerprint import digest
from potmeter.data.pictures import load_pictures
from potmeter.data.samples import sample
from potmeter.data.sets.paintings import load_painting
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Album, Chart, Image, Result, Video
from potmeter.nn.augmentation import crop_and_flip
from potmeter.nn.colour_transfer import transfer_colours
from potmeter.nn.muon import move_to_muon

from . import model
from .checkpoints import read_example
from .criterion import Criterion
from .examples import examples
from .gatys import optimise
from .measure import center_crop, compute_losses, measure, reference_losses
from .paint import paint
from .presets import PRESETS

Strength = Annotated[float, Range(0, 1)]
Size = Annotated[int, Range(8, 16_384)] | None

PAINTING_FILE = "painting.png"
"""The painting, beside the weights."""
NOISE = 8 / 255
"""Standard deviation of the noise that a result is not to change with."""
LAST_LR = 0.1
"""Learning rate of the last convolution, as a share of the others'."""
SHIFT = 3
"""Pixels by which the photograph is moved at most, with which a result is to move."""


@dataclass(frozen=True)
class StyleSplits(Splits):
    """Photographs, and the painting that a user named."""

    painting: Image | None = None
    """None = that of the Config, or the one beside the weights."""

    def fingerprint(self) -> str:
        own = super().fingerprint()
        return own if self.painting is None else digest([own, self.painting.pixels.tobytes()])


@dataclass(frozen=True)
class Optimisation(Result):
    """The state of an optimisation after some of its steps."""

    painting: Image
    """The picture so far, values clipped to what can be shown."""
    curve: Chart
    """The weighted loss over the steps so far."""


class StyleTransfer(System):
    """Paints photographs in the manner of one painting, in one pass through a network (Johnson et al. 2016)."""

    name = "styletransfer"
    Config = model.Config
    presets = PRESETS
    goal = Goal("loss", "lower")
    mixed_precision = True

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.TransformerNet(config.width, config.residual_blocks)
        self.to(memory_format=torch.channels_last)
        self.painting: Image | None = None
        self.cached_criterion: Criterion | None = None

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A network from a file of pytorch/examples (``checkpoints.py``)."""
        config, state = read_example(file)
        system = cls(config)
        system.model.load_state_dict(state)
        return system

    # 1. Photographs, and a painting

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, *, style: Path | None = None) -> StyleSplits:
        """Photographs of anything, and one painting.

        Args:
            source: photographs, wheel-photos, or a folder of photographs
            style: picture whose style is learned; default: the Config's painting
        """
        splits = load_pictures(source or config.dataset, config.photo_size, 3, labels=False)
        painting = None if style is None else Image.open(style)
        return StyleSplits(**vars(splits), painting=painting)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        own = isinstance(splits, StyleSplits) and splits.painting is not None
        return replace(config, painting=model.OWN_PAINTING) if own else config

    def fit_assets(self, splits: Splits) -> None:
        """Take the painting, brought to ``style_size``; of a style of one's own it is in the data or beside the weights."""
        painting = splits.painting if isinstance(splits, StyleSplits) else None
        if painting is None and self.config.painting != model.OWN_PAINTING:
            painting = load_painting(self.config.painting)
        if painting is not None:
            large = max(painting.size) > self.config.style_size
            self.painting, self.cached_criterion = painting.resize(self.config.style_size) if large else painting, None
        self.painting or reject(
            "A picture whose style is learned is needed: name it with --style.", self.config.painting
        )

    def save_assets(self, folder: Path) -> None:
        if self.painting:
            self.painting.save(folder / PAINTING_FILE)

    def load_assets(self, folder: Path) -> None:
        if (folder / PAINTING_FILE).is_file():
            self.painting, self.cached_criterion = Image.open(folder / PAINTING_FILE), None

    # 3. The loss

    @property
    def criterion(self) -> Criterion:
        """The loss network and the style; loaded when first asked for."""
        if self.cached_criterion is None:
            painting = self.painting or reject("These weights came without their painting.", self.config.painting)
            self.cached_criterion = Criterion(self.config, painting, self.device)
        return self.cached_criterion

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Style, content and total variation of the paintings of pieces of photographs; and stability."""
        photographs = crop_and_flip(batch["image"], self.config.image_size, self.rng.uniform(len(batch["image"]), 3))
        photographs = photographs.contiguous(memory_format=torch.channels_last)
        paintings = self(photographs)
        losses = self.criterion.losses(paintings, self.criterion.content_features(photographs))
        total = self.criterion.total(losses).mean()
        parts = {name: value.mean() for name, value in losses.items()}
        if self.config.noise_weight:
            parts["stability"] = self.stability_loss(photographs[:1], paintings[:1])  # one of them: it is a second pass
            total = total + self.config.noise_weight * parts["stability"]
        return {"loss": total, **parts}

    def stability_loss(self, photographs: Tensor, paintings: Tensor) -> Tensor:
        """How far the paintings of noisy, slightly moved photographs are from the paintings, moved alike; relative to noise."""
        noise = NOISE * self.rng.normal(*photographs.shape)
        down, right = ((2 * SHIFT + 1) * self.rng.uniform(len(photographs), 2)).long().sub(SHIFT)[0].tolist()
        moved = torch.roll(photographs, (down, right), (2, 3)) + noise
        off = self(moved.contiguous(memory_format=torch.channels_last)) - torch.roll(paintings, (down, right), (2, 3))
        margin = off.shape[-1] // 8  # what came in from the other side is something else
        inner = off[..., margin:-margin, margin:-margin]
        return inner.float().square().mean() / NOISE**2

    # 4. Training

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW, whose steps in the last convolution are smaller: each of its outputs is a sum of 81 × 32 products.

        With ``muon_lr``, Muon for all convolutions but the first and the last.
        """
        c, last = self.config, list(self.model.deconv3.parameters())
        others = [p for p in self.model.parameters() if all(p is not q for q in last)]
        groups = [{"params": others}, {"params": last, "lr": LAST_LR * c.lr}]
        optimizers: dict[str, Optimizer] = {
            "model": torch.optim.AdamW(groups, lr=c.lr, weight_decay=c.weight_decay, fused=True)
        }
        first = self.model.conv1.conv2d.weight
        filters = [p for p in others if p.ndim == 4 and p is not first] if c.muon_lr else []
        if filters:
            optimizers["convolutions"] = move_to_muon(filters, optimizers["model"], c.muon_lr, c.weight_decay)
        return optimizers

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The losses of the middles of photographs."""
        parts = []
        for batch in in_batches(data, 4, self.device):
            photographs = center_crop(batch["image"], self.config.image_size)
            losses = compute_losses(self.criterion, self(photographs), photographs)
            parts.append({"loss": self.criterion.total(losses), **losses})
        return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}

    def validation_loss(self, data: Any) -> Tensor:
        return self.validate(data)["loss"].mean()

    def illustrate(self) -> Image:
        """A photograph that is not trained on, painted."""
        return paint(self.model, sample("cat"), size=min(384, 3 * self.config.image_size))

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Style and content loss over those of 300 steps of optimisation, and how far painted frames of a film differ."""
        photographs = self.photographs(data)
        return measure(self, self.criterion, photographs, self.reference_losses(photographs))

    def baselines(self, splits: Splits) -> dict[str, float]:
        """The photographs as they are, and with the painting's colours only."""
        photographs, painting = self.photographs(splits.test), self.criterion.painting
        pieces = center_crop(photographs, self.config.image_size)
        rivals = {"identity": pieces, "colour_transfer": transfer_colours(pieces, painting)}
        reference = self.reference_losses(photographs)["style"]
        return {
            f"{name}_style_ratio": float(
                (compute_losses(self.criterion, pictures, pieces)["style"].cpu() / reference).mean()
            )
            for name, pictures in rivals.items()
        }

    def photographs(self, data: Any) -> Tensor:
        """All pictures (N, 3, H, W) of a data set."""
        return torch.cat([batch["image"] for batch in in_batches(data, 4, self.device)])

    def reference_losses(self, photographs: Tensor) -> dict[str, Tensor]:
        """The losses that optimisation of the middles of photographs comes to."""
        return reference_losses(self.criterion, center_crop(photographs, self.config.image_size))

    # 5. Use

    def forward(self, images: Tensor) -> Tensor:
        """The paintings (B, 3, H, W) of photographs (B, 3, H, W) in [0, 1]; their values may lie a little outside."""
        y: Tensor = self.model(images.contiguous(memory_format=torch.channels_last))
        return y

    def run(self, image: Image, *, strength: Strength = 1.0, own_colours: bool = False, size: Size = None) -> Image:
        """Paint a photograph.

        Args:
            image: the photograph, of any size
            strength: 1: the painting, 0: the photograph, between them a mixture
            own_colours: keep the photograph's colours, and take only the brush from the painting
            size: pixels of the longer side of the copy that is painted: the fewer, the coarser the strokes; default: the
                photograph as it is
        """
        return paint(self.model, image, strength=strength, own_colours=own_colours, size=size)

    @task
    def video(self, clip: Video, *, strength: Strength = 1.0, own_colours: bool = False, size: Size = None) -> Video:
        """Paint a film, frame by frame.

        Args:
            clip: the film; its sound is kept as it is
            strength: 1: the painting, 0: the film, between them a mixture
            own_colours: keep the film's colours, and take only the brush from the painting
            size: pixels of a frame's longer side; default: as it is
        """

        def change(frame: np.ndarray) -> np.ndarray:
            return paint(self.model, Image(frame), strength=strength, own_colours=own_colours, size=size).pixels

        return change_frames(clip, change, "painting frames")

    @task
    def folder(
        self, images: list[Image], *, strength: Strength = 1.0, own_colours: bool = False, size: Size = None
    ) -> Album:
        """Paint many photographs.

        Args:
            images: photographs, or folders of them
            strength: 1: the painting, 0: the photograph, between them a mixture
            own_colours: keep the photographs' colours, and take only the brush from the painting
            size: pixels of the longer side of the copies that are painted; default: the photographs as they are
        """
        return Album(
            [
                paint(self.model, image, strength=strength, own_colours=own_colours, size=size)
                for image in progress(images, "painting photographs")
            ]
        )

    @task
    def gatys(
        self,
        image: Image,
        style: Image | None = None,
        *,
        steps: Annotated[int, Range(1, 2000)] = 300,
        size: Annotated[int, Range(32, 1024)] = 256,
    ) -> Iterator[Optimisation]:
        """Paint a photograph the slow way, by optimising its pixels: in any style, for each picture anew.

        Args:
            image: the photograph
            style: the painting; default: the one that the network has learned
            steps: of L-BFGS; each looks at the picture about once
            size: pixels of the longer side of the copy that is painted
        """
        c = self.config
        criterion = Criterion(c, style.resize(c.style_size), self.device) if style else self.criterion
        photograph = image.resize(size).tensor().to(self.device)
        min(photograph.shape[1:]) >= 16 or reject(
            "The copy's shorter side is at least 16 pixels.", min(photograph.shape[1:])
        )
        curve: list[tuple[float, float]] = []
        for step, picture, losses in progress(optimise(criterion, photograph, steps), "optimising", -(-steps // 10)):
            curve.append((step, losses["loss"]))
            yield Optimisation(Image.from_tensor(picture), Chart({"loss": list(curve)}, "steps", "loss"))

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)
