"""Unpaired translation as a system: data, the losses of UNIT and CycleGAN, training, use."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from potmeter.core.progress import progress
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch, in_batches
from potmeter.data.splits import Splits, take_evenly
from potmeter.data.two_styles import load_two_styles
from potmeter.data.vgg_weights import load_loss_network
from potmeter.errors import reject
from potmeter.media import Album, Image, Result, Text
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid
from potmeter.metrics.frechet import frechet_distance
from potmeter.metrics.perceptual import LAYERS, perceptual_distance
from potmeter.nn.augmentation import DIFF_NUMBERS, crop_and_flip, diff_augment
from potmeter.nn.gan_losses import Objective, discriminator_loss, generator_loss
from potmeter.nn.image_pool import ImagePool
from potmeter.systems.generative.feature_extractor import FeatureExtractor

from . import model
from .batches import PooledBatches
from .checkpoints import read_generator
from .examples import examples
from .measure import DIRECTIONS, PairMetric, measure, measure_baselines, read_pictures
from .presets import PRESETS
from .translate import translate

Style = Annotated[str, Choice("styles")] | None
Size = Annotated[int, Range(8, 16_384)] | None
OBJECTIVE: Objective = "least-squares"
"""Of the adversarial losses."""
Pair = tuple[Tensor, ...]
"""A tensor for each of the two styles."""
BATCH = 32
"""Pictures translated at once."""
SHOWN = 12
"""Pictures that are shown during training."""


@dataclass(frozen=True)
class Cycle(Result):
    """A picture there and back."""

    there: Image
    """In the other style."""
    back: Image
    """In its own again."""
    error: Text
    """How far off it is."""


class UNIT(System):
    """Translates pictures between two styles, of which no two that belong together were ever shown."""

    name = "unit"
    Config = model.Config
    presets = PRESETS
    goal = Goal("fid", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.translator = model.Translator(config)
        self.discriminators = nn.ModuleList(model.Discriminator(config) for _ in range(2))
        self.pools = [ImagePool(config.pool_size) for _ in range(2)]
        self.shown: Batch | None = None
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """A generator of CycleGAN's authors, from a file of theirs (``checkpoints.py``): one way only."""
        config, state = read_generator(file)
        system = cls(config)
        system.translator.load_state_dict(state, strict=False)
        return system

    # 1. Pictures in two styles, which do not belong together

    @classmethod
    def data(cls, config: model.Config, source: str | None = None, *, target: Path | None = None) -> Splits:
        """Pictures in each of two styles.

        Args:
            source: emoji, two-brushes, a folder of pictures in the first style, or one with a folder for each style
            target: a folder of pictures in the second style
        """
        if target and not source:
            reject("--target is the folder of the second style; that of the first is --data.", str(target))
        return load_two_styles(source or config.dataset, target, config.load_size)

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        config.one_way and reject("Both ways are trained: one generator of CycleGAN is only used.", "one_way")
        return replace(config, styles=splits.train.styles)

    def fit_assets(self, splits: Splits) -> None:
        """Load the feature extractor now: that there is none is better told before the training than after it."""
        self.load_feature_extractor()
        self.shown = next(in_batches(take_evenly(splits.valid, SHOWN), SHOWN))

    # 3. The losses of the generators

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """What the generators minimise, and each part of it without its weight."""
        losses, _ = self.generator_losses((batch["first"], batch["second"]))
        return losses

    def generator_losses(self, real: Pair) -> tuple[dict[str, Tensor], Pair]:
        """The losses of the generators, and the translated pictures: those in the first style, and those in the second.

        Args:
            real: Pictures (B, 3, S, S) in [0, 1] of each style.
        """
        c, net = self.config, self.translator
        parts: dict[str, list[Tensor]] = defaultdict(list)
        translated = []
        for source, target in DIRECTIONS:
            x = real[source]
            z = self.sample_latent(net.encode(x, source), parts)
            if c.architecture == "unit":
                same, y = net.decode(z, source, target)
                parts["reconstruction"].append((same - x).abs().mean())
                y = x + y - same if net.details else y
            else:
                (y,) = net.decode(z, target)
                if c.identity_weight:
                    parts["identity"].append((net(real[target], source, target) - real[target]).abs().mean())
            parts["adversarial"].append(generator_loss(OBJECTIVE, self.discriminate(y, target)))
            back = net.translate(y, self.sample_latent(net.encode(y, target), parts), target, source)
            parts["cycle"].append((back - x).abs().mean())
            translated.append(y)
        there, back = translated
        return self.total(parts), (back, there)

    def sample_latent(self, z: Tensor, parts: dict[str, list[Tensor]]) -> Tensor:
        """UNIT: z with standard normal noise; its divergence from a normal distribution is added to ``parts``."""
        if self.config.architecture == "cyclegan":
            return z
        parts["kl"].append(z.float().square().mean() / 2)
        return z + self.rng.normal(*z.shape).to(z.dtype)

    def autoencoder_losses(self, real: Pair) -> dict[str, Tensor]:
        """The losses of an autoencoder of both styles, which is the first one's encoder and decoder."""
        parts: dict[str, list[Tensor]] = defaultdict(list)
        x = torch.cat(real)
        (same,) = self.translator.decode(self.sample_latent(self.translator.encode(x, 0), parts), 0)
        parts["reconstruction"].append((same - x).abs().mean())
        return self.total(parts)

    def total(self, parts: dict[str, list[Tensor]]) -> dict[str, Tensor]:
        """Each loss as a sum, and as ``loss`` what is minimised of them."""
        c = self.config
        weights = {
            "adversarial": 1.0,
            "cycle": c.cycle_weight,
            "identity": c.cycle_weight * c.identity_weight,
            "reconstruction": c.reconstruction_weight,
            "kl": c.kl_weight,
        }
        sums = {name: torch.stack(values).sum() for name, values in parts.items()}
        return {"loss": torch.stack([weights[name] * value for name, value in sums.items()]).sum(), **sums}

    # 4. Training

    def batches(self, splits: Splits, trainer: TrainingLoop) -> PooledBatches:
        return PooledBatches(trainer.shuffle(splits.train), self.pools)

    def optimizers(self) -> dict[str, Optimizer]:
        c, fused = self.config, self.device.type in ("cpu", "cuda")
        adam = partial(AdamW, betas=(c.beta1, 0.999), weight_decay=c.weight_decay, fused=fused)
        return {
            "generator": adam(self.translator.parameters(), lr=c.lr),
            "discriminator": adam(self.discriminators.parameters(), lr=c.discriminator_lr or c.lr),
        }

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The generators learn; then the discriminators, from real pictures and from translated ones of now and before."""
        c = self.config
        real = tuple(self.augment(batch[name]) for name in ("first", "second"))
        if trainer.step < c.autoencoder_steps:
            with self.autocast():
                losses = self.autoencoder_losses(real)
            trainer.update(losses["loss"], "generator")
            self.translator.tie()
            return losses
        with self.autocast():
            losses, translated = self.generator_losses(real)
        trainer.update(losses["loss"], "generator")
        with self.autocast():
            loss = self.discriminators_loss(real, translated)
        trainer.update(loss, "discriminator")
        return {**losses, "discriminator": loss}

    def augment(self, images: Tensor) -> Tensor:
        """A piece (B, 3, S, S) of each picture, mirrored or not."""
        pieces = crop_and_flip(images, self.config.image_size, self.rng.uniform(len(images), 3))
        return pieces.contiguous(memory_format=torch.channels_last)

    def discriminators_loss(self, real: Pair, translated: Pair) -> Tensor:
        """What the discriminators minimise, those of both styles together."""
        losses = []
        for style, (pool, x, y) in enumerate(zip(self.pools, real, translated, strict=True)):
            y = pool.exchange(y.detach().float(), self.rng.uniform(len(y), 2))
            losses.append(discriminator_loss(OBJECTIVE, self.discriminate(x, style), self.discriminate(y, style)))
        return torch.stack(losses).sum()

    def discriminate(self, images: Tensor, style: int) -> Tensor:
        """The logits (B, 1, Y, X) of pictures (B, 3, S, S) in [0, 1], as a style's discriminator is to see them."""
        if self.config.diff_augment:
            images = (diff_augment(2 * images - 1, self.rng.uniform(len(images), DIFF_NUMBERS)) + 1) / 2
        logits: Tensor = self.discriminators[style](images)
        return logits.float()

    # What is measured

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features sets of pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    def validate(self, data: Any) -> dict[str, Tensor]:
        """Fréchet distance of translated pictures to those in the style, the mean of both ways."""
        pictures, extractor = read_pictures(data, self.device), self.load_feature_extractor()
        real = [extractor.features_of(part, len(part)) for part in (data.first, data.second)]
        there, back = (
            frechet_distance(extractor.features(self.translate_all(pictures[source], source)), real[target])
            for source, target in DIRECTIONS
        )
        return {"fid": torch.tensor((there + back) / 2)}

    def illustrate(self) -> Image | None:
        """Pictures that are not trained on, translated and back: each style above the other's."""
        if self.shown is None:
            return None
        rows = []
        for name, (source, target) in zip(("first", "second"), DIRECTIONS, strict=True):
            x = self.shown[name].to(self.device)
            y = self.translate_all(x, source)
            rows += [x, y, self.translate_all(y, target)]
        return image_grid(torch.cat(rows).cpu(), columns=len(rows[0]))

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Distances of sets, errors after there and back, and, where the pictures are pairs, distances of pairs."""
        return measure(
            self.translate_all, read_pictures(data, self.device), self.load_feature_extractor(), self.pair_metric(data)
        )

    @torch.no_grad()
    def baselines(self, splits: Splits) -> dict[str, float]:
        """The pictures as they are; the nearest training pictures in the other style; the other style's colours."""
        return measure_baselines(splits, self.load_feature_extractor(), self.pair_metric(splits.test), self.device)

    def pair_metric(self, data: Any) -> PairMetric | None:
        """The perceptual distance of pictures, where a data set has pairs."""
        if not data.paired:
            return None
        network = load_loss_network(self.config.loss_network, LAYERS[-1]).to(self.device)
        return partial(perceptual_distance, network.feature_maps)

    def describe_metrics(self) -> dict[str, str]:
        c = self.config
        return {"fid": f"features of {c.feature_extractor}", "paired_distance": f"features of {c.loss_network}"}

    # 5. Use

    @property
    def styles(self) -> tuple[str, ...]:
        """What the two styles are called."""
        return self.config.styles

    def forward(self, images: Tensor, source: int = 0) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of a style, 0 or 1, in the other one."""
        y: Tensor = self.translator(images.contiguous(memory_format=torch.channels_last), source, 1 - source)
        return y

    @torch.no_grad()
    def translate_all(self, images: Tensor, source: int) -> Tensor:
        """Any number of pictures (N, 3, H, W) of a style in the other one, between 0 and 1."""
        return torch.cat([self(part, source).clamp(0, 1) for part in images.split(BATCH)])

    def target(self, to: str | None) -> int:
        """The number of a style, by default the second's. Raises UserError for a way that there is not."""
        number = 1 if to is None else self.styles.index(to)
        if number == 0 and self.config.one_way:
            reject("These weights are one generator of CycleGAN: there is no way back.", self.styles[0])
        return number

    def run(self, image: Image, *, to: Style = None, size: Size = None) -> Image:
        """Translate a picture into the other style.

        Args:
            image: a picture, of any size
            to: the style that it gets; default: the second one
            size: pixels of the longer side of the copy that is translated: the networks draw best at the size that they were
                trained at; default: the picture as it is
        """
        target = self.target(to)
        return translate(self.translator, image if size is None else image.resize(size), 1 - target, target)

    @task
    def folder(self, images: list[Image], *, to: Style = None, size: Size = None) -> Album:
        """Translate many pictures.

        Args:
            images: pictures, or folders of them
            to: the style that they get; default: the second one
            size: pixels of the longer side of the copies that are translated; default: the pictures as they are
        """
        return Album([self.run(image, to=to, size=size) for image in progress(images, "translating pictures")])

    @task
    def cycle(self, image: Image, *, to: Style = None, size: Size = None) -> Cycle:
        """Translate a picture there and back: what has been lost on the way?

        Args:
            image: a picture, of any size
            to: the style that it gets; default: the second one
            size: pixels of the longer side of the copy that is translated; default: the picture as it is
        """
        target, small = self.target(to), image if size is None else image.resize(size)
        self.target(self.styles[1 - target])
        there = translate(self.translator, small, 1 - target, target)
        back = translate(self.translator, there, target, 1 - target)
        error = np.abs(back.pixels.astype(int) - small.pixels).mean()
        return Cycle(there, back, Text(f"On average a pixel is off by {error:.1f} of 255."))

    @task
    @torch.no_grad()
    def between(self, a: Image, b: Image, *, style: Style = None, steps: Annotated[int, Range(2, 40)] = 8) -> Image:
        """From one picture to another through the latent space that both styles share, drawn in both of them.

        Args:
            a: where it begins
            b: where it ends
            style: the style that the two are in; default: the first one
            steps: pictures on the way, the ends included
        """
        c = self.config
        if c.architecture != "unit":
            reject("Only UNIT has a latent space that both styles share; these weights are another's.", c.architecture)
        source = 0 if style is None else self.styles.index(style)
        x = to_batch([a, b], c.load_size, 3).to(self.device)
        z = self.translator.encode(x.contiguous(memory_format=torch.channels_last), source)
        t = torch.linspace(0, 1, steps, device=self.device)[:, None, None, None]
        rows = self.translator.decode(torch.lerp(z[:1], z[1:], t), source, 1 - source)
        return image_grid(torch.cat(rows).clamp(0, 1).cpu(), columns=steps)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset)
