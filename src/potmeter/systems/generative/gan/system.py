"""The generative adversarial network as a system: data, two adversarial losses, training, use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from potmeter.core.capabilities import class_index, resolve_space
from potmeter.core.export import MethodModule
from potmeter.core.random import RandomStream
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.pictures import load_pictures
from potmeter.data.samples import one_of_each_digit
from potmeter.data.sets.records import is_light_on_dark
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.nn.gan_losses import discriminator_loss, generator_loss, gradient_penalty, r1_penalty
from potmeter.nn.interpolation import interpolate_path
from potmeter.systems.generative.feature_extractor import FeatureExtractor, require_enough_images
from potmeter.systems.generative.inversion import invert
from potmeter.systems.generative.mode_collapse import check_for_collapse

from . import model
from .presets import PRESETS

MAX_COMPARED = 10_000
"""Most real test pictures that generated ones are compared with, in two halves."""


class GAN(System):
    """Generates pictures, taught by a second network that tells generated ones from real ones."""

    name = "gan"
    Config = model.Config
    presets = PRESETS
    goal = Goal("frechet", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.generator = model.Generator(config)
        self.discriminator = model.Discriminator(config)
        self.generator_loss = torch.zeros(())  # the latest, for the log: not every step has one
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    # 1. Pictures, of which some may be asked for by their class

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures, with classes where the Config is conditional.

        Args:
            source: mnist, fashion, digits, cifar10, faces, orl, or a folder of pictures; default: the Config's dataset
        """
        c = config
        splits = require_enough_images(
            load_pictures(source or c.dataset, c.image_size, c.channels, labels=c.conditional)
        )
        if config.conditional and config.classes and splits.classes != config.classes:
            reject(f"The network knows {', '.join(config.classes[:8])}, not the data's.", ", ".join(splits.classes[:8]))
        return splits

    @classmethod
    def fit_config(cls, config: model.Config, splits: Splits) -> model.Config:
        return replace(config, classes=splits.classes)

    @classmethod
    def fine_tune_config(cls, config: model.Config) -> model.Config:
        """The same networks; the classes are those of the data to come."""
        return replace(config, classes=())

    def fit_assets(self, splits: Splits) -> None:
        """Load the feature extractor now: that there is none is better told before the training than after it."""
        self.load_feature_extractor()

    # 3. Two losses, one for each network; 4. trained in turn

    def optimizers(self) -> dict[str, Optimizer]:
        c, networks = self.config, {"generator": self.generator, "discriminator": self.discriminator}
        return {name: Adam(net.parameters(), lr=c.lr, betas=(c.beta1, c.beta2)) for name, net in networks.items()}

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The discriminator learns from real and generated pictures; then, every ``critic_steps``, the generator does."""
        c = self.config
        if c.num_classes and "label" in batch:  # groups of the minibatch standard deviation are then of one class
            order = batch["label"].argsort(stable=True)
            batch = {name: values[order] for name, values in batch.items()}
        real, labels = self.to_signed(batch["image"]), self.one_hot(batch.get("label"))
        generator_learns = trainer.step % c.critic_steps == 0  # from the same generated pictures
        with torch.set_grad_enabled(generator_learns):
            fake = self.generator(trainer.noise(len(real), c.latent_dim), labels)
        logits = lambda images: self.discriminator(images, labels)
        # real and fake apart, so that the statistics of a minibatch, and of groups in it, are of pictures of one kind
        loss = discriminator_loss(c.objective, logits(real), logits(fake.detach()))
        trainer.update(loss + self.penalty(real, fake.detach(), labels, trainer), "discriminator")
        if generator_learns:
            self.generator_loss = generator_loss(c.objective, logits(fake))
            trainer.update(self.generator_loss, "generator")
            self.generator_loss = self.generator_loss.detach()
        check_for_collapse(fake, real, trainer.step, batch.get("label") if c.num_classes else None)
        return {"loss": loss, "generator": self.generator_loss}

    def penalty(self, real: Tensor, fake: Tensor, labels: Tensor | None, trainer: TrainingLoop) -> Tensor:
        """What keeps the discriminator's gradients small: the R1 penalty, every ``r1_interval`` steps, or that of wgan-gp.

        Args:
            real, fake: Pictures (B, C, H, W) in [−1, 1].
            labels: One-hot classes (B, classes), the same of both; None without classes.
            trainer: The loop, for its step and its random numbers.

        Returns:
            A scalar, with its weights γ and λ.
        """
        c, total = self.config, real.new_zeros(())
        logits = lambda images: self.discriminator(images, labels)
        if c.objective == "wgan-gp":
            epsilon = trainer.rng.uniform(len(real))
            total = total + c.gradient_penalty * gradient_penalty(logits, real, fake, epsilon).mean()
        if c.r1 and trainer.step % c.r1_interval == 0:
            total = total + c.r1_interval * c.r1 / 2 * r1_penalty(logits, real).mean()
        return total

    def validate(self, data: Any) -> dict[str, Tensor]:
        """``evaluate`` on 2,000 pictures, without ``frechet_real_real``."""
        return self.compare(data, 2000, real_real=False)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """As many generated pictures as half of the real ones, and the other half of these for ``frechet_real_real``."""
        return self.compare(data, MAX_COMPARED, real_real=True)

    @torch.no_grad()
    def compare(self, data: Any, count: int, *, real_real: bool) -> dict[str, Tensor]:
        """Generated pictures beside at most ``count`` real ones, in the extractor's features.

        Returns:
            ``frechet``, the Fréchet distance; ``coverage``, the share of real pictures with a generated one among their
            neighbours; with ``real_real``, ``frechet_real_real``, the distance of one half of the real pictures from the other.
            Where it predicts the data's classes, ``modes``, how many of them are generated (a class counts from a
            fifth of its due share on), and ``conditional_accuracy``, whether the predicted class is the one asked for.
        """
        c, extractor = self.config, self.load_feature_extractor()
        draw = lambda n: self.sample(n, RandomStream(0, device=self.device))
        generate = lambda n: torch.cat([self.decode(part) for part in draw(n).split(500)])
        values = extractor.compare_generator(generate, data, count, real_real=real_real)
        if c.classes and tuple(getattr(extractor.network, "classes", ())) == tuple(c.classes):
            z = draw(len(values["coverage"]))
            seen = extractor.predictions(generate(len(z)))
            shares = seen.bincount(minlength=len(c.classes)) / len(seen)
            values["modes"] = (shares > 0.2 / len(c.classes)).sum().float()
            if c.num_classes:
                values["conditional_accuracy"] = (seen == z[:, c.latent_dim :].argmax(1)).float()
        return values

    def baselines(self, splits: Splits) -> dict[str, float]:
        """A Gaussian fitted to the pixels of the training pictures."""
        return {"gaussian_frechet": self.load_feature_extractor().gaussian_baseline(splits, MAX_COMPARED // 2)}

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.feature_extractor}"}

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    # 5. Use

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of vectors (B, latent) of the usual latent space."""
        return self.decode(z)

    @torch.no_grad()
    def run(
        self,
        *,
        label: Annotated[str, Choice("classes")] | None = None,
        count: Annotated[int, Range(1, 400)] = 60,
        temperature: Annotated[float, Range(0, 2)] = 1.0,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Image:
        """Draw new pictures.

        Args:
            label: the class to draw; default: one after the other
            count: how many
            temperature: spread of the noise; below 1 the pictures are more ordinary
            seed: start of the random numbers; the same seed gives the same pictures
        """
        label is None or self.classes or reject("These weights were not trained to draw a given class.", label)
        rng = RandomStream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        z = temperature * rng.normal(count, self.config.latent_dim)
        names = [label] * count if label else self.cycle_classes(count)
        return image_grid(
            self.decode(z, "z", names or None), columns=len(self.classes) if names and not label else None
        )

    @task
    @torch.no_grad()
    def walk(
        self,
        *,
        label: Annotated[str, Choice("classes")] | None = None,
        stops: Annotated[int, Range(2, 20)] = 6,
        frames: Annotated[int, Range(2, 120)] = 24,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Video:
        """Walk through the latent space from one random point to the next, and back.

        Args:
            label: the class to stay in; default: from class to class, where there are classes
            stops: points on the way
            frames: pictures from one to the next
            seed: start of the random numbers
        """
        z = self.sample(stops, RandomStream(seed, device=self.device))
        if self.classes:
            names = [label] * stops if label else self.cycle_classes(stops)
            z[:, self.config.latent_dim :] = self.class_labels(names, stops)
        return walk_video(self.decode(interpolate_path(z, frames, "lerp")))

    def examples(self) -> list[Example]:
        if self.config.dataset not in ("mnist", "digits"):
            return [
                Example("Pictures nobody drew, from random noise", count=60, seed=0),
                Example("A walk through the latent space", task="walk"),
            ]
        return [
            Example("Digits nobody wrote, a column for each class", count=100, seed=0),
            Example("Only sevens", label="7", count=40, seed=1),
            Example("A walk from digit to digit", task="walk", stops=10),
            Example("Test digits and what is nearest to them in the latent space", task="reconstruct",
                    images=one_of_each_digit("mnist" if self.config.dataset == "mnist" else "digit")),
        ]  # fmt: skip

    @task
    def reconstruct(self, images: list[Image], *, steps: Annotated[int, Range(1, 2000)] = 150) -> Image:
        """Pictures (above) and the nearest ones that the generator can draw (below), found by descent.

        Args:
            images: pictures, or folders of them
            steps: steps of the descent
        """
        x = self.inputs(images)
        with torch.no_grad():
            return image_grid(torch.cat([x, self.decode(self.encode(x, steps=steps))]), columns=len(x))

    # What probes and other systems use (core.capabilities)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that can be asked for."""
        return self.config.classes[: self.config.num_classes]

    def cycle_classes(self, count: int) -> list[str]:
        """The classes' names one after the other, ``count`` in all; none where none can be asked for."""
        return [self.classes[i % len(self.classes)] for i in range(count)] if self.classes else []

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """``z``, the noise; where classes can be asked for, first ``joint``, the noise and one-hot labels."""
        c = self.config
        joint = {"joint": c.latent_dim + c.num_classes} if c.num_classes else {}
        return joint | {"z": c.latent_dim}

    def sample(self, n: int, rng: RandomStream, space: str | None = None) -> Tensor:
        """Latent vectors (n, latent) of a space: noise and, where it is ``joint``, a class, each as likely as the others."""
        c, z = self.config, rng.normal(n, self.config.latent_dim)
        if resolve_space(self, space) == "z":
            return z
        return torch.cat([z, F.one_hot(rng.integers(c.num_classes, n), c.num_classes).float()], 1)

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of latent vectors.

        Args:
            z: (B, latent), standard normal; in the space ``joint``, the first of a network with classes, a one-hot class
                (B, classes) follows the numbers.
            space: ``joint`` or ``z``; default: the first that there is.
            condition: In ``z``: names of classes, one for all or one each; default: the first class.
        """
        space, spaces = resolve_space(self, space), self.latent_spaces
        fits = z.ndim == 2 and z.shape[1] == spaces[space]
        fits or reject(f"A vector of the space {space} has the shape (B, {spaces[space]}).", tuple(z.shape))
        noise, labels = z[:, : self.config.latent_dim], z[:, self.config.latent_dim :]
        if space == "z" and self.classes:
            labels = self.class_labels(condition, len(z))
        return (self.generator(noise, labels if self.classes else None) + 1) / 2

    def encode(self, images: Tensor, space: str | None = None, steps: int = 150) -> Tensor:
        """Latent vectors (B, latent) of the pictures nearest to these, found by descent; the same every time."""
        candidates = self.sample(400, RandomStream(0, device=self.device), space)
        prior_penalty = lambda z: 1e-3 * z[:, : self.config.latent_dim].square().mean(1)
        return invert(lambda z: self.decode(z, space), images, candidates, steps=steps, prior_penalty=prior_penalty)

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        size = next(iter(self.latent_spaces.values()))
        return {"generator": (MethodModule(self, "decode", "images"), (torch.randn(2, size),))}

    # Pictures and classes as the networks take them

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W); as light on dark where the data set is."""
        c = self.config
        return to_batch(images, c.image_size, c.channels, light_on_dark=is_light_on_dark(c.dataset)).to(self.device)

    def to_signed(self, images: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] as the networks take them, in [−1, 1]."""
        return (2 * images - 1).contiguous(memory_format=torch.channels_last)

    def one_hot(self, labels: Tensor | None) -> Tensor | None:
        """Labels (B,) as one-hot vectors (B, classes); None where no class can be asked for."""
        count = self.config.num_classes
        return F.one_hot(labels, count).float() if labels is not None and count else None

    def class_labels(self, names: Any, count: int) -> Tensor:
        """Names of classes, one for all or one each, as one-hot vectors (count, classes)."""
        names = [names or self.classes[0]] * count if isinstance(names, str | None) else list(names)
        len(names) == count or reject(f"One class for all, or {count} of them.", len(names))
        numbers = torch.tensor([class_index(self.classes, name) for name in names], device=self.device)
        return F.one_hot(numbers, len(self.classes)).float()
