"""The generative adversarial network as a system: data, the game of two losses, training, use."""

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
from potmeter.core.random import Stream
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System, TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.named import load_pictures
from potmeter.data.samples import one_of_each_digit
from potmeter.data.sets.records import is_light_on_dark
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.nn.gan_losses import discriminator_loss, generator_loss, gradient_penalty, r1_penalty
from potmeter.nn.interpolation import interpolate_path
from potmeter.systems.generative.inversion import invert
from potmeter.systems.generative.judge import check_for_collapse, require_comparable

from . import model
from .measure import judge_of, measured
from .presets import PRESETS

COUNT = 10_000
"""Real pictures that are compared, in two halves."""


class GAN(System):
    """Draws pictures that nobody drew, taught by a second network that tells drawn from real."""

    name = "gan"
    Config = model.Config
    presets = PRESETS
    goal = Goal("frechet", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.generator = model.Generator(config)
        self.discriminator = model.Discriminator(config)
        self.last = torch.zeros(())  # the generator's last loss, for the record
        self.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and GPUs

    # 1. Pictures, of which some may be asked for by their class

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures, with classes where the Config is conditional.

        Args:
            source: mnist, fashion, digits, cifar10, faces, orl, or a folder of pictures; default: the Config's dataset
        """
        c = config
        splits = require_comparable(load_pictures(source or c.dataset, c.image_size, c.channels, labels=c.conditional))
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
        """Find the judge now: that there is none is better told before the training than after it."""
        judge_of(self)

    # 3. and 4. Two losses, each minimised by one of the two

    def optimizers(self) -> dict[str, Optimizer]:
        c, parts = self.config, {"generator": self.generator, "discriminator": self.discriminator}
        return {name: Adam(part.parameters(), lr=c.lr, betas=(c.beta1, c.beta2)) for name, part in parts.items()}

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """One step of the discriminator on real and made pictures; then, every ``critic_steps``, one of the generator."""
        c = self.config
        if self.kinds and "label" in batch:  # so that neighbours, whose spread the discriminator sees, are of one class
            order = batch["label"].argsort(stable=True)
            batch = {name: values[order] for name, values in batch.items()}
        real, weights = self.signed(batch["image"]), self.one_hot(batch.get("label"))
        plays = trainer.step % c.critic_steps == 0  # both steps use the same made pictures
        with torch.set_grad_enabled(plays):
            made = self.generator(trainer.noise(len(real), c.latent), weights)
        verdict = lambda images: self.discriminator(images, weights)
        # apart, so that statistics over a batch, and over groups in it, are of pictures of one kind
        loss = discriminator_loss(c.objective, verdict(real), verdict(made.detach()))
        trainer.update(loss + self.penalties(real, made.detach(), weights, trainer), "discriminator")
        if plays:
            self.last = generator_loss(c.objective, verdict(made))
            trainer.update(self.last, "generator")
            self.last = self.last.detach()
        check_for_collapse(made, real, trainer.step, batch.get("label") if self.kinds else None)
        return {"loss": loss, "generator": self.last}

    def penalties(self, real: Tensor, made: Tensor, weights: Tensor | None, trainer: TrainingLoop) -> Tensor:
        """What keeps the discriminator's slopes gentle: R1, every so many steps, or the penalty of wgan-gp."""
        c, total = self.config, real.new_zeros(())
        verdict = lambda images: self.discriminator(images, weights)
        if c.objective == "wgan-gp":
            total = total + c.penalty * gradient_penalty(verdict, real, made, trainer.rng.uniform(len(real))).mean()
        if c.r1 and trainer.step % c.r1_every == 0:
            total = total + c.r1_every * c.r1 / 2 * r1_penalty(verdict, real).mean()
        return total

    def validate(self, data: Any) -> dict[str, Tensor]:
        """On 2,000 pictures: the Fréchet distance, the share of the data that is covered, the classes made."""
        return measured(self, data, 2000)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """As many made pictures as there are test pictures, in the judge's features, and the floor for real pictures."""
        return measured(self, data, COUNT, floor=True)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """A Gaussian fitted to the pixels of the training pictures."""
        return {"gaussian_frechet": judge_of(self).gaussian(splits, COUNT // 2)}

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.judge}"}

    # 5. Use

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
        label is None or self.config.kinds or reject("These weights were not trained to draw a given class.", label)
        rng = Stream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        z = temperature * rng.normal(count, self.config.latent)
        chosen = [label] * count if label else [self.classes[i % self.kinds] for i in range(count if self.kinds else 0)]
        return image_grid(self.decode(z, "z", chosen or None), columns=self.kinds if chosen and not label else None)

    @task
    @torch.no_grad()
    def travel(
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
        z = self.sample(stops, Stream(seed, device=self.device))
        if self.kinds:
            order = [label] * stops if label else [self.classes[i % self.kinds] for i in range(stops)]
            z[:, self.config.latent :] = self.weights_of(order, stops)
        return walk_video(self.decode(interpolate_path(z, frames, "lerp")))

    def examples(self) -> list[Example]:
        if self.config.dataset not in ("mnist", "digits"):
            return [
                Example("Pictures nobody drew, from random noise", count=60, seed=0),
                Example("A walk through the latent space", task="travel"),
            ]
        return [
            Example("Digits nobody wrote, a column for each class", count=100, seed=0),
            Example("Only sevens", label="7", count=40, seed=1),
            Example("A walk from digit to digit", task="travel", stops=10),
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
        return self.config.classes[: self.config.kinds]

    @property
    def kinds(self) -> int:
        """Their number."""
        return self.config.kinds

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """``z``, the noise; where classes can be asked for, first ``joint``, the noise and a weight for each class."""
        joint = {"joint": self.config.latent + self.kinds} if self.kinds else {}
        return joint | {"z": self.config.latent}

    def sample(self, n: int, rng: Stream, space: str | None = None) -> Tensor:
        """Latent vectors (n, latent) of a space: the noise and, where it is ``joint``, in equal shares one class."""
        z = rng.normal(n, self.config.latent)
        if resolve_space(self, space) == "z":
            return z
        return torch.cat([z, F.one_hot(rng.integers(self.kinds, n), self.kinds).float()], 1)

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of latent vectors.

        Args:
            z: (B, latent).
            space: ``joint`` or ``z``; default: the first that there is.
            condition: In ``z``: names of classes, one for all or one each; default: the first class.
        """
        space, spaces = resolve_space(self, space), self.latent_spaces
        fits = z.ndim == 2 and z.shape[1] == spaces[space]
        fits or reject(f"A vector of the space {space} has the shape (B, {spaces[space]}).", tuple(z.shape))
        noise, weights = z[:, : self.config.latent], z[:, self.config.latent :]
        if space == "z" and self.kinds:
            weights = self.weights_of(condition, len(z))
        return (self.generator(noise, weights if self.kinds else None) + 1) / 2

    def encode(self, images: Tensor, space: str | None = None, steps: int = 150) -> Tensor:
        """Latent vectors (B, latent) of the pictures nearest to these, found by descent; the same every time."""
        candidates = self.sample(400, Stream(0, device=self.device), space)
        unlikely = lambda z: 1e-3 * z[:, : self.config.latent].square().mean(1)
        return invert(lambda z: self.decode(z, space), images, candidates, steps=steps, likely=unlikely)

    def export_parts(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        size = next(iter(self.latent_spaces.values()))
        return {"generator": (MethodModule(self, "decode"), (torch.randn(2, size),))}

    # Pictures and classes as the networks take them

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W); as light on dark where the data set is."""
        c = self.config
        return to_batch(images, c.image_size, c.channels, dark=is_light_on_dark(c.dataset)).to(self.device)

    def signed(self, images: Tensor) -> Tensor:
        """Pictures in [0, 1] as the networks see them, in [−1, 1]."""
        return (2 * images - 1).contiguous(memory_format=torch.channels_last)

    def one_hot(self, labels: Tensor | None) -> Tensor | None:
        """Labels (B,) as weights of the classes (B, classes); None where none can be asked for."""
        return F.one_hot(labels, self.kinds).float() if labels is not None and self.kinds else None

    def weights_of(self, names: Any, count: int) -> Tensor:
        """Names of classes, one for all or one each, as weights (count, classes)."""
        names = [names or self.classes[0]] * count if isinstance(names, str | None) else list(names)
        len(names) == count or reject(f"One class for all, or {count} of them.", len(names))
        numbers = torch.tensor([class_index(self.classes, name) for name in names], device=self.device)
        return F.one_hot(numbers, self.kinds).float()
