"""StyleGAN as a system: data, the game of two losses, training that grows, use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from potmeter.core.capabilities import resolve_space
from potmeter.core.random import Stream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System, TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.named import load_pictures
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.nn.interpolation import interpolate_path
from potmeter.systems.generative.inversion import invert
from potmeter.systems.generative.judge import require_comparable

from . import model, sheets
from .checkpoints import read_port
from .discriminator import Discriminator
from .examples import examples
from .game import play
from .growth import enlarged, stage
from .measure import distances, judge_of, straightness
from .presets import PRESETS

SAMPLES = 2000
"""Real pictures that are compared, in two halves; pictures whose attributes are read; four times the paths."""


class StyleGAN(System):
    """Draws pictures whose styles, from the coarse to the fine, can be mixed; and finds yours among them."""

    name = "stylegan"
    Config = model.Config
    presets = PRESETS
    goal = Goal("fid", "lower")
    seen: Tensor

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.generator = model.Generator(config)
        self.discriminator = Discriminator(config).to(memory_format=torch.channels_last)  # a sixth faster on CPUs
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    @classmethod
    def from_pretrained(cls, where: str | Path | None = None) -> Self:
        """As for every system; also NVIDIA's generators, from a file of the PyTorch port (``checkpoints.py``)."""
        if where is None or not os.path.isfile(where):
            return super().from_pretrained(where)
        config, state = read_port(Path(where))
        system = cls(config)
        system.generator.load_state_dict(state)
        return system.eval()

    # 1. Pictures without labels

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures.

        Args:
            source: faces, orl, digits, another built-in set, or a folder of pictures; default: the Config's dataset
        """
        size: Any = config.height if config.height == config.width else (config.height, config.width)
        return require_comparable(load_pictures(source or config.dataset, size, config.channels, labels=False))

    def fit_assets(self, splits: Splits) -> None:
        """Find the judge now: that there is none is better told before the training than after it."""
        judge_of(self)

    # 3. and 4. Two losses, each minimised by one of the two, at a resolution that grows

    def optimizers(self) -> dict[str, Optimizer]:
        """Adam for each of the two; the mapping network learns more slowly."""
        c, adam = self.config, partial(Adam, lr=self.config.lr, betas=(0.0, 0.99), eps=1e-8)
        mapping = {"params": list(self.generator.mapping.parameters()), "lr": c.lr * c.mapping_rate}
        generator = [mapping, {"params": list(self.generator.synthesis.parameters())}]
        return {"generator": adam(generator), "discriminator": adam(self.discriminator.parameters())}

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        return play(self, batch, trainer)

    @property
    def stage(self) -> tuple[int, float]:
        """The resolution that is learned, and how far it has faded in."""
        return stage(self.config, int(self.seen))

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The distance and the coverage on 500 pictures."""
        with torch.no_grad():  # what was gathered during training lags behind the mapping network
            self.generator.average.copy_(
                self.generator.mapping(self.sample(10_000, Stream(0, device=self.device))).mean(0)
            )
        return distances(self, data, 500)

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Distance with its floor, coverage, path lengths, separabilities."""
        measured = distances(self, data, SAMPLES, floor=True)
        return measured | straightness(self, data, SAMPLES // 4, SAMPLES)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """A Gaussian fitted to each pixel of the training pictures by itself."""
        return {"pixels_fid": judge_of(self).gaussian(splits, SAMPLES // 2, apart=True)}

    def describe_metrics(self) -> dict[str, str]:
        return {"fid": f"features of {self.config.judge}"}

    # 5. Use

    @torch.no_grad()
    def run(
        self,
        *,
        count: Annotated[int, Range(1, 200)] = 40,
        psi: Annotated[float, Range(-2, 2)] = 0.7,
        noise: Annotated[float, Range(0, 2)] | None = None,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Image:
        """Draw new pictures.

        Args:
            count: how many
            psi: truncation: 1 as trained, 0 the mean picture; between, fewer kinds of better pictures
            noise: strength of the noise, as a share of that in training; default: that of the weights
            seed: start of the random numbers; the same seed gives the same pictures
        """
        rng = Stream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        return image_grid(self.drawn(self.generator.mapping(self.sample(count, rng)), psi, noise))

    @task
    @torch.no_grad()
    def truncation(
        self, *, count: Annotated[int, Range(1, 20)] = 5, seed: Annotated[int, Range(0, 2**31)] = 0
    ) -> Image:
        """The same styles drawn towards the mean, and beyond it: a row for each, ψ = 1, 0.7, 0.5, 0, −0.5, −1.

        Args:
            count: rows
            seed: start of the random numbers
        """
        w = self.generator.mapping(self.sample(count, Stream(seed, device=self.device)))
        return sheets.truncation(self, w)

    @task
    @torch.no_grad()
    def grid(self, *, columns: Annotated[int, Range(1, 12)] = 6, seed: Annotated[int, Range(0, 2**31)] = 0) -> Image:
        """Source A (above) with the coarse, then the middle, then the fine styles of source B (left).

        Args:
            columns: pictures A
            seed: start of the random numbers
        """
        w = self.generator.mapping(self.sample(columns + sheets.ROWS, Stream(seed, device=self.device)))
        return sheets.grid(self, w[:columns], w[columns:])

    @task
    def mix(self, a: Image, b: Image, *, steps: Annotated[int, Range(1, 2000)] = 150) -> Image:
        """Two pictures of yours, found among the generator's, with the styles of the first up to ever earlier layers.

        Args:
            a: where the coarse styles come from
            b: where the fine styles come from
            steps: steps of the search
        """
        x = self.inputs([a, b])
        w = self.encode(x, "w", steps)
        with torch.no_grad():
            return sheets.mixes(self, x, w)

    @task
    @torch.no_grad()
    def noise_control(
        self, *, count: Annotated[int, Range(1, 12)] = 4, seed: Annotated[int, Range(0, 2**31)] = 0
    ) -> Image:
        """What noise does: a row for each picture: without, with, with another one, and where pictures differ by it.

        Args:
            count: rows
            seed: start of the random numbers
        """
        rng = Stream(seed, device=self.device)
        return sheets.noise(self, self.generator.mapping(self.sample(count, rng)), rng)

    @task
    def project(self, images: list[Image], *, steps: Annotated[int, Range(1, 2000)] = 200) -> Image:
        """Pictures (above), and the nearest ones that the generator can draw (below), found in W by descent.

        Args:
            images: pictures, or folders of them
            steps: steps of the descent
        """
        x = self.inputs(images)
        w = self.encode(x, "w", steps)
        with torch.no_grad():
            return image_grid(torch.cat([x, self.decode(w, "w")]), columns=len(x))

    @task
    @torch.no_grad()
    def travel(
        self,
        *,
        stops: Annotated[int, Range(2, 20)] = 5,
        frames: Annotated[int, Range(2, 120)] = 24,
        psi: Annotated[float, Range(-2, 2)] = 0.7,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Video:
        """Walk through W from one random picture to the next, and back.

        Args:
            stops: pictures on the way
            frames: pictures from one to the next
            psi: truncation
            seed: start of the random numbers
        """
        w = self.generator.mapping(self.sample(stops, Stream(seed, device=self.device)))
        return walk_video(self.drawn(interpolate_path(w, frames, "lerp"), psi))

    @task
    @torch.no_grad()
    def memory(
        self,
        *,
        count: Annotated[int, Range(1, 20)] = 8,
        psi: Annotated[float, Range(-2, 2)] = 1.0,
        seed: Annotated[int, Range(0, 2**31)] = 0,
        data: str | None = None,
    ) -> Image:
        """Has it learned by heart? New pictures (above), and the nearest training pictures (below).

        Args:
            count: how many
            psi: truncation
            seed: start of the random numbers
            data: the data that it was trained on; default: those of the weights
        """
        w = self.generator.mapping(self.sample(count, Stream(seed, device=self.device)))
        return sheets.nearest(self, self.drawn(w, psi), self.data(self.config, data).train)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset, self.config.height)

    # What probes and other systems use (core.capabilities)

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """``z``, the noise, and ``w``, the style that the mapping network makes of it."""
        return {"z": self.config.latent, "w": self.config.latent}

    def sample(self, n: int, rng: Stream, space: str | None = None) -> Tensor:
        """Vectors (n, latent) of ``z``, from the prior, or of ``w``, where the mapping network puts those."""
        space, z = resolve_space(self, space), rng.normal(n, self.config.latent)
        return self.generator.mapping(z) if space == "w" else z

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of vectors (B, latent) of ``z`` or ``w``, without truncation, with fixed noise."""
        space = resolve_space(self, space)
        fits = z.ndim == 2 and z.shape[1] == self.config.latent
        fits or reject(f"A vector of z or w has the shape (B, {self.config.latent}).", tuple(z.shape))
        return self.drawn(z if space == "w" else self.generator.mapping(z))

    def encode(self, images: Tensor, space: str | None = None, steps: int = 200) -> Tensor:
        """Vectors (B, latent) of the pictures nearest to these, found by descent; the same every time."""
        space = resolve_space(self, space)
        with torch.no_grad():
            candidates = self.sample(400, Stream(0, device=self.device), space)
            spread = candidates.std()
        centre = self.generator.average if space == "w" else torch.zeros_like(self.generator.average)
        unlikely = lambda x: 1e-3 * ((x - centre) / spread).square().mean(1)
        return invert(lambda x: self.decode(x, space), images, candidates, steps=steps, likely=unlikely)

    def drawn(self, w: Tensor, psi: float = 1.0, noise: float | None = None) -> Tensor:
        """Pictures in [0, 1] of styles w (B, latent), truncated."""
        return self.painted(self.generator.truncated(w, psi), self.generator.fixed_noise(self.given(noise)))

    def painted(self, styles: Tensor, noise: list[Tensor | None] | None = None) -> Tensor:
        """Pictures in [0, 1] of styles (B, layers, latent), at full size even while smaller ones are learned."""
        c, (level, share) = self.config, self.stage
        noise = self.generator.fixed_noise(c.noise) if noise is None else noise
        images = self.generator.synthesis(styles, noise[: 2 * (level + 1)], level, share)
        return enlarged(((images + 1) / 2).clamp(0, 1), (c.height, c.width))

    def given(self, noise: float | None) -> float:
        """A strength of the noise, or the usual one."""
        return self.config.noise if noise is None else noise

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W)."""
        c = self.config
        return to_batch(images, (c.height, c.width), c.channels).to(self.device)
