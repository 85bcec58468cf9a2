"""StyleGAN as a system: data, the losses of two adversaries, progressive growing, use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

from potmeter.core.capabilities import resolve_space
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.core.training_loop import TrainingLoop
from potmeter.data.batches import Batch
from potmeter.data.domain_shift import note_domain_shift
from potmeter.data.pictures import load_pictures
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.nn.gan_losses import discriminator_loss, generator_loss, r1_penalty
from potmeter.nn.interpolation import interpolate_path
from potmeter.systems.generative.feature_extractor import FeatureExtractor, require_enough_images
from potmeter.systems.generative.inversion import invert
from potmeter.systems.generative.mode_collapse import check_for_collapse
from potmeter.systems.generative.neighbours import nearest_pictures, nearest_training_faces

from . import model, sheets
from .checkpoints import read_port
from .discriminator import Discriminator
from .examples import examples
from .growth import downsample_to, growth_stage, upsample_to
from .measure import measure_path_lengths, measure_separability
from .presets import PRESETS

SAMPLES = 2000
"""Real pictures that are compared, in two halves; generated ones whose attributes are told; four times the paths."""
BATCH = 50
"""Pictures generated at once."""


class StyleGAN(System):
    """Draws pictures whose styles, from the coarse to the fine, can be mixed; and finds yours among them."""

    name = "stylegan"
    Config = model.Config
    presets = PRESETS
    goal = Goal("frechet", "lower")
    images_seen: Tensor

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.generator = model.Generator(config)
        self.discriminator = Discriminator(config).to(memory_format=torch.channels_last)  # a sixth faster on CPUs
        self.register_buffer("images_seen", torch.zeros((), dtype=torch.int64))

    @classmethod
    def from_checkpoint(cls, file: Path) -> Self:
        """NVIDIA's generators, from a file of the PyTorch port (``checkpoints.py``)."""
        config, state = read_port(file)
        system = cls(config)
        system.generator.load_state_dict(state)
        return system

    # 1. Pictures without labels

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures.

        Args:
            source: faces, orl, digits, another built-in set, or a folder of pictures; default: the Config's dataset
        """
        size: Any = config.height if config.height == config.width else (config.height, config.width)
        return require_enough_images(load_pictures(source or config.dataset, size, config.channels, labels=False))

    def fit_assets(self, splits: Splits) -> None:
        """Load the feature extractor now: that there is none is better told before the training than after it."""
        self.load_feature_extractor()

    # 3. Two losses, one for each network; 4. trained at a resolution that grows

    def optimizers(self) -> dict[str, Optimizer]:
        """Adam for each of the two; the mapping network learns more slowly."""
        c, adam = self.config, partial(Adam, lr=self.config.lr, betas=(0.0, 0.99), eps=1e-8)
        mapping = {"params": list(self.generator.mapping.parameters()), "lr": c.lr * c.mapping_lr_multiplier}
        generator = [mapping, {"params": list(self.generator.synthesis.parameters())}]
        return {"generator": adam(generator), "discriminator": adam(self.discriminator.parameters())}

    def step(self, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
        """The discriminator learns from real and generated pictures, and from R1 every so often; then the generator."""
        c, rng, count = self.config, trainer.rng, len(batch["image"])
        level, alpha = self.growth_stage
        real = downsample_to(2 * batch["image"] - 1, c, level, alpha).contiguous(memory_format=torch.channels_last)
        styles, noise = self.draw_styles(rng, level, count), self.draw_noise(rng, level, count)
        fake = self.generator.synthesis(styles, noise, level, alpha)

        def logits(images: Tensor) -> Tensor:
            noise = c.instance_noise * rng.normal(*images.shape) if c.instance_noise else 0.0
            return self.discriminator(images + noise, level, alpha)

        discriminator = discriminator_loss("non-saturating", logits(real), logits(fake.detach()))
        penalty = real.new_zeros(())
        if c.r1 and trainer.step % c.r1_interval == 0:
            penalty = c.r1_interval * c.r1 / 2 * r1_penalty(logits, real).mean()
        trainer.update(discriminator + penalty, "discriminator")

        generator = generator_loss("non-saturating", logits(fake))
        trainer.update(generator, "generator")
        self.images_seen += c.batch_size
        check_for_collapse(fake, real, trainer.step)
        return {"loss": discriminator, "generator": generator, "level": fake.new_tensor(level - 1 + alpha)}

    @property
    def growth_stage(self) -> tuple[int, float]:
        """The resolution that is learned, and how far it has faded in (α)."""
        return growth_stage(self.config, int(self.images_seen))

    def draw_styles(self, rng: RandomStream, level: int, count: int) -> Tensor:
        """Styles (B, layers, latent); of a share of them those from a random layer on belong to another z (style mixing)."""
        c, generator, layers = self.config, self.generator, 2 * (level + 1)
        z, other = rng.normal(count, 2, c.latent_dim).unbind(1)
        w = generator.mapping(z)
        with torch.no_grad():
            generator.w_avg.lerp_(processes.all_reduce_mean(w.mean(0)), 1 - c.w_avg_beta)
        crossover = 1 + rng.integers(layers - 1, count)
        crossover = torch.where(rng.uniform(count) < c.style_mixing, crossover, layers)
        return model.mix_styles(w, generator.mapping(other), crossover, layers)

    def draw_noise(self, rng: RandomStream, level: int, count: int) -> list[Tensor | None]:
        """Fresh noise (B, 1, H, W) for each layer."""
        return [rng.normal(count, 1, *self.config.size(layer // 2)) for layer in range(2 * (level + 1))]

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    def generate(self, count: int) -> Tensor:
        """Pictures (count, C, H, W) in [0, 1] to be measured, without truncation; the same every time."""
        z = self.sample(count, RandomStream(0, device=self.device))
        return torch.cat([self.decode(part) for part in z.split(BATCH)])

    @torch.no_grad()
    def validate(self, data: Any) -> dict[str, Tensor]:
        """Fréchet distance and coverage on 500 pictures."""
        z = self.sample(10_000, RandomStream(0, device=self.device))
        self.generator.w_avg.copy_(self.generator.mapping(z).mean(0))  # the moving average lags behind the network
        return self.load_feature_extractor().compare_generator(self.generate, data, 500)

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Fréchet distance (and that of two real sets), coverage without truncation; path lengths, separability of Z and W."""
        extractor, rng, paths = self.load_feature_extractor(), RandomStream(1, device=self.device), SAMPLES // 4
        compared = extractor.compare_generator(self.generate, data, SAMPLES, real_real=True)
        decode = {space: partial(self.decode, space=space) for space in ("z", "w")}
        start, end, share = self.sample(paths, rng), self.sample(paths, rng), rng.uniform(paths)
        ends = {"z": (start, end), "w": (self.generator.mapping(start), self.generator.mapping(end))}
        lengths = measure_path_lengths(extractor, ends, share, decode)
        z = self.sample(SAMPLES, rng)
        latents = {"z": z, "w": self.generator.mapping(z)}
        return compared | lengths | measure_separability(extractor, data, latents, self.decode)

    def baselines(self, splits: Splits) -> dict[str, float]:
        """A Gaussian fitted to each pixel of the training pictures by itself."""
        return {
            "pixels_frechet": self.load_feature_extractor().gaussian_baseline(splits, SAMPLES // 2, independent=True)
        }

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.feature_extractor}"}

    # 5. Use

    def forward(self, z: Tensor) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of vectors (B, latent) of the usual latent space."""
        return self.decode(z)

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
        rng = RandomStream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        return image_grid(self.draw(self.generator.mapping(self.sample(count, rng)), psi, noise))

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
        w = self.generator.mapping(self.sample(count, RandomStream(seed, device=self.device)))
        return sheets.truncation_sheet(self.generator, self.render, w)

    @task
    @torch.no_grad()
    def grid(self, *, columns: Annotated[int, Range(1, 12)] = 6, seed: Annotated[int, Range(0, 2**31)] = 0) -> Image:
        """Source A (above) with the coarse, then the middle, then the fine styles of source B (left).

        Args:
            columns: pictures A
            seed: start of the random numbers
        """
        w = self.generator.mapping(self.sample(columns + sheets.ROWS, RandomStream(seed, device=self.device)))
        return sheets.mixing_grid(self.generator, self.render, w[:columns], w[columns:])

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
            return sheets.crossover_sheet(self.generator, self.render, x, w)

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
        rng, level = RandomStream(seed, device=self.device), self.growth_stage[0]
        styles = self.generator.truncate(self.generator.mapping(self.sample(count, rng)))
        return sheets.noise_sheet(self.render, styles, partial(self.draw_noise, rng, level))

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
    def walk(
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
        w = self.generator.mapping(self.sample(stops, RandomStream(seed, device=self.device)))
        return walk_video(self.draw(interpolate_path(w, frames, "lerp"), psi))

    @task
    @torch.no_grad()
    def nearest_training(
        self,
        *,
        count: Annotated[int, Range(1, 20)] = 8,
        psi: Annotated[float, Range(-2, 2)] = 1.0,
        seed: Annotated[int, Range(0, 2**31)] = 0,
        data: str | None = None,
    ) -> Image:
        """Has it memorised its data? New pictures (above), and the nearest training pictures (below).

        Args:
            count: how many
            psi: truncation
            seed: start of the random numbers
            data: the data that it was trained on; default: those of the weights
        """
        w = self.generator.mapping(self.sample(count, RandomStream(seed, device=self.device)))
        images = self.draw(w, psi)
        known = data is None and self.config.dataset == "faces"
        nearest = (
            nearest_training_faces(images) if known else nearest_pictures(images, self.data(self.config, data).train)
        )
        return image_grid(torch.cat([images, nearest]), columns=count)

    def examples(self) -> list[Example]:
        return examples(self.config.dataset, self.config.height)

    # What probes and other systems use (core.capabilities)

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """``z``, the noise, and ``w``, the style that the mapping network makes of it."""
        return {"z": self.config.latent_dim, "w": self.config.latent_dim}

    def sample(self, n: int, rng: RandomStream, space: str | None = None) -> Tensor:
        """Vectors (n, latent) of ``z``, from the prior, or of ``w``, where the mapping network puts those."""
        space, z = resolve_space(self, space), rng.normal(n, self.config.latent_dim)
        return self.generator.mapping(z) if space == "w" else z

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of vectors (B, latent) of ``z`` or ``w``, without truncation, with fixed noise."""
        space = resolve_space(self, space)
        fits = z.ndim == 2 and z.shape[1] == self.config.latent_dim
        fits or reject(f"A vector of z or w has the shape (B, {self.config.latent_dim}).", tuple(z.shape))
        return self.draw(z if space == "w" else self.generator.mapping(z))

    def encode(self, images: Tensor, space: str | None = None, steps: int = 200) -> Tensor:
        """Vectors (B, latent) of the pictures nearest to these, found by descent; the same every time."""
        space = resolve_space(self, space)
        with torch.no_grad():
            candidates = self.sample(400, RandomStream(0, device=self.device), space)
            spread = candidates.std()
        centre = self.generator.w_avg if space == "w" else torch.zeros_like(self.generator.w_avg)
        prior_penalty = lambda x: 1e-3 * ((x - centre) / spread).square().mean(1)
        return invert(lambda x: self.decode(x, space), images, candidates, steps=steps, prior_penalty=prior_penalty)

    def draw(self, w: Tensor, psi: float = 1.0, noise: float | None = None) -> Tensor:
        """Pictures in [0, 1] of w (B, latent), truncated, with constant noise of a strength (default: that of the weights)."""
        strength = self.config.noise_strength if noise is None else noise
        return self.render(self.generator.truncate(w, psi), self.generator.constant_noise(strength))

    def render(self, styles: Tensor, noise: list[Tensor | None] | None = None) -> Tensor:
        """Pictures in [0, 1] of styles (B, layers, latent), at full size even while smaller ones are learned."""
        c, (level, alpha) = self.config, self.growth_stage
        noise = self.generator.constant_noise(c.noise_strength) if noise is None else noise
        images = self.generator.synthesis(styles, noise[: 2 * (level + 1)], level, alpha)
        return upsample_to(((images + 1) / 2).clamp(0, 1), (c.height, c.width))

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W)."""
        c = self.config
        note_domain_shift(images, c.dataset)
        return to_batch(images, (c.height, c.width), c.channels).to(self.device)
