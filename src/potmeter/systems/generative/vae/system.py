"""The variational autoencoder as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from potmeter.core.capabilities import resolve_space
from potmeter.core.export import MethodModule
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.data.batches import Batch, in_batches
from potmeter.data.domain_shift import note_domain_shift
from potmeter.data.pictures import load_pictures
from potmeter.data.samples import one_of_each_digit, sample
from potmeter.data.sets.records import is_light_on_dark
from potmeter.data.splits import Splits, TensorData, take_evenly
from potmeter.errors import reject
from potmeter.media import Image, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.metrics.pca import pca_mse
from potmeter.systems.generative.feature_extractor import NEIGHBOURS, FeatureExtractor

from . import model
from .baselines import mixture_nll, pixel_nll

LECTURE = model.Config(
    batch_size=64, lr=3e-3, warmup=0.02, filters=(32, 64), blocks=(0, 0), widths=(256,), norm="batch"
)
FACES = replace(
    LECTURE, dataset="faces", image_size=64, channels=3, likelihood="gaussian", latent_dim=64, batch_size=32,
    filters=(16, 32, 64, 128), blocks=(0, 0, 0, 0), linear_skip=1, beta=30.0, lr=1e-3,
    feature_extractor="classifier.imagenet", feature_extractor_size=128,
)  # fmt: skip
AVATARS = replace(FACES, filters=(16, 48, 96, 64), linear_skip=2, beta=10.0, lr=2e-3, prior="flow")
EXAMPLE_FACES = range(10)
"""Test faces among the examples: the first ones."""
MAX_COMPARED = 10_000
"""Most real test pictures that generated ones are compared with, in two halves."""


class VAE(System):
    """Learns a latent space in which codes drawn from a prior are pictures, and in which one can walk from one to another."""

    name = "vae"
    Config = model.Config
    presets = {
        "tiny": model.Config(dataset="digits", latent_dim=8, widths=(128,), lr=5e-3),
        "lecture": LECTURE,
        "plane": model.Config(
            batch_size=128, lr=4e-3, warmup=0.02, latent_dim=2, widths=(512, 256, 128, 128), norm="batch"
        ),
        "faces": FACES,
        "avatars": AVATARS,
        "paper": model.Config(latent_dim=20, widths=(500,), batch_size=100),
    }
    goal = Goal("elbo_nats", "higher")
    importance_samples = 1000
    """Codes a picture for the importance-weighted likelihood."""

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.model = model.VariationalAutoencoder(config)
        if config.prior_only and self.model.prior is not None:
            self.requires_grad_(False)
            self.model.prior.requires_grad_(True)

    # 1. Pictures; that they are their own answer is the idea

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures without labels.

        Args:
            source: mnist, fashion, digits, faces, orl, or a folder of pictures; default: the Config's dataset
        """
        splits = load_pictures(source or config.dataset, config.image_size, config.channels, labels=False)
        if config.likelihood == "bernoulli" and isinstance(splits.test, TensorData):
            return replace(splits, valid=binarize_data(splits.valid), test=binarize_data(splits.test))
        return splits

    # 3. The loss: minus the evidence lower bound

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """Minus the bound, in nats, on pictures binarised anew each time (Bernoulli) or as they are (Gaussian).

        A learned prior has a loss of its own, added for the sake of one optimiser: the codes learn nothing from it. With
        ``prior_only`` it is the only one.
        """
        if self.config.prior_only:
            self.model.eval()  # what batch norm has gathered stays too
            with torch.no_grad():
                mean, log_variance = self.model.encode(batch["image"])
                z = mean + self.rng.normal(*mean.shape) * (0.5 * log_variance).exp()
            return {"loss": self.model.prior_loss(z, self.rng)}
        images = self.likelihood_input(batch["image"], self.rng)
        bound = self.model.elbo(images, self.rng.normal(len(images), self.config.latent_dim), self.config.beta)
        losses = {"loss": -bound["elbo"].mean(), "kl": bound["kl"].mean()}
        if self.model.prior is not None:
            losses["prior"] = self.model.prior_loss(bound["z"], self.rng)
            losses["loss"] = losses["loss"] + losses["prior"]
        return losses

    def likelihood_input(self, images: Tensor, rng: RandomStream) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] as the likelihood takes them: binarised for a Bernoulli one."""
        return model.binarize(images, rng.uniform(*images.shape)) if self.config.likelihood == "bernoulli" else images

    def shard_units(self) -> list[nn.Module]:
        return [self.model.encoder, self.model.decoder]

    def validate(self, data: Any) -> dict[str, Tensor]:
        """The bound alone: cheap enough for every twentieth of a run."""
        rng = RandomStream(
            0, device=self.device
        )  # the same draws every time: the test pictures are binarised once and for all
        bounds = []
        for batch in in_batches(data, 500, self.device):
            images = self.likelihood_input(batch["image"], rng)
            bounds.append(self.model.elbo(images, rng.normal(len(images), self.config.latent_dim))["elbo"])
        return {"elbo_nats": torch.cat(bounds)}

    @torch.no_grad()
    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """The bound in nats; −log p(x) by importance sampling, 1000 codes a picture, or, of grey and coloured pictures,
        for which these are too few, the squared error of reconstruction; and drawn pictures beside real ones."""
        drawn = self.compare_samples(data)
        if self.config.likelihood == "gaussian":
            errors = [
                (self.model(batch["image"]) - batch["image"]).square().flatten(1).mean(1)
                for batch in in_batches(data, 500, self.device)
            ]
            return self.validate(data) | {"mse": torch.cat(errors)} | drawn
        rng, noise, nlls = RandomStream(0, device=self.device), RandomStream(1, device=self.device), []
        for batch in in_batches(data, 500, self.device):
            images = self.likelihood_input(batch["image"], rng)
            for part in images.split(50):
                nlls.append(self.model.importance_weighted_nll(part, self.importance_samples, noise))
        return self.validate(data) | {"nll_nats": torch.cat(nlls)} | drawn

    def compare_samples(self, data: Any) -> dict[str, Tensor]:
        """Pictures drawn from the prior beside real ones, in the extractor's features, as GANs are measured.

        Returns:
            ``frechet``, the Fréchet distance; ``coverage``, the share of real pictures with a drawn one among their
            neighbours; ``frechet_real_real``, the distance of one half of the real pictures from the other. Nothing
            where there are too few pictures to compare with.
        """
        if len(data) < 2 * (NEIGHBOURS + 1):
            return {}
        return self.load_feature_extractor().compare_generator(self.generate, data, MAX_COMPARED, real_real=True)

    def generate(self, count: int) -> Tensor:
        """Pictures (count, C, H, W) in [0, 1] to be measured, drawn from the prior; the same every time."""
        z = self.sample(count, RandomStream(0, device=self.device))
        return torch.cat([self.decode(part) for part in z.split(500)])

    def load_feature_extractor(self) -> FeatureExtractor:
        """The network in whose features pictures are compared."""
        return FeatureExtractor(self.config.feature_extractor, self.config.feature_extractor_size, self.device)

    def describe_metrics(self) -> dict[str, str]:
        return {"frechet": f"features of {self.config.feature_extractor}"}

    @torch.no_grad()
    def baselines(self, splits: Splits) -> dict[str, float]:
        """Densities without a network: independent pixels, and a mixture of 200 such; or PCA with as many components.

        Of drawn pictures: a Gaussian fitted to the pixels; and, where the prior is learned, codes drawn from N(0, 1).
        """
        values = {}
        if len(splits.test) >= 2 * (NEIGHBOURS + 1):
            values["gaussian_frechet"] = self.load_feature_extractor().gaussian_baseline(splits, MAX_COMPARED // 2)
            if self.model.prior is not None:
                values["normal_prior_frechet"] = self.normal_prior_distance(splits.test)
        if self.config.likelihood == "gaussian":
            parts = (take_evenly(splits.train, 5000), splits.test)
            train, test = (torch.cat([b["image"].flatten(1) for b in in_batches(part, 500)]) for part in parts)
            return values | {"pca_mse": pca_mse(train, test, self.config.latent_dim)}
        train = torch.cat([batch["image"].flatten(1) for batch in in_batches(splits.train, 5000)])
        rng = RandomStream(0)
        test = torch.cat([self.likelihood_input(b["image"], rng).flatten(1) for b in in_batches(splits.test, 500)])
        return values | {"pixels_nll_nats": pixel_nll(train, test), "mixture_nll_nats": mixture_nll(train, test)}

    def normal_prior_distance(self, data: Any) -> float:
        """Fréchet distance of the pictures that the decoder makes of codes drawn from N(0, 1)."""
        noise = lambda count: RandomStream(0, device=self.device).normal(count, self.config.latent_dim)
        generate = lambda count: torch.cat([self.decode(part) for part in noise(count).split(500)])
        return float(
            self.load_feature_extractor().compare_generator(generate, data, MAX_COMPARED, real_real=True)["frechet"]
        )

    # 5. Use

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions (B, C, H, W) of pictures, through the means of their codes."""
        reconstruction: Tensor = self.model(images)
        return reconstruction

    @torch.no_grad()
    def run(
        self,
        *,
        count: Annotated[int, Range(1, 400)] = 64,
        temperature: Annotated[float, Range(0, 2)] = 1.0,
        seed: Annotated[int, Range(0, 2**31)] | None = None,
    ) -> Image:
        """Draw new pictures from the prior.

        Args:
            count: how many
            temperature: spread of the noise that codes are drawn from; below 1 the pictures are more ordinary
            seed: start of the random numbers; the same seed gives the same pictures
        """
        rng = RandomStream(int(torch.randint(2**31, ())) if seed is None else seed, device=self.device)
        noise = temperature * rng.normal(count, self.config.latent_dim)
        return image_grid(self.decode(self.model.sample_prior(noise)))

    @task
    @torch.no_grad()
    def reconstruct(self, images: list[Image]) -> Image:
        """Pictures (above) and what their codes decode to (below).

        Args:
            images: pictures, or folders of them
        """
        x = self.inputs(images)
        return image_grid(torch.cat([x, self.model(x)]), columns=len(x))

    @task
    @torch.no_grad()
    def interpolate(self, a: Image, b: Image, *, frames: Annotated[int, Range(2, 240)] = 36) -> Video:
        """Walk in a straight line from one picture's code to the other's, and back.

        Args:
            a: where the walk starts
            b: where it turns
            frames: pictures on the way there
        """
        start, end = self.encode(self.inputs([a, b]))
        share = torch.linspace(0, 1, frames, device=self.device)[:, None]
        return walk_video(self.decode(start + share * (end - start)))

    @task
    @torch.no_grad()
    def plane(
        self, *, side: Annotated[int, Range(2, 40)] = 20, span: Annotated[float, Range(0.1, 0.999)] = 0.98
    ) -> Image:
        """The first two dimensions of the latent space as a map, laid out so that equal areas are equally likely.

        Args:
            side: pictures along each side
            span: share of the prior's probability that each side covers
        """
        shares = torch.linspace(0.5 - span / 2, 0.5 + span / 2, side)
        axis = torch.special.ndtri(shares)  # quantiles of the standard normal
        z = torch.zeros(side * side, self.config.latent_dim, device=self.device)
        z[:, :2] = torch.cartesian_prod(axis.flip(0), axis).flip(1)[:, : self.config.latent_dim]
        return image_grid(self.decode(z), columns=side, gap=0)

    def examples(self) -> list[Example]:
        """The first test pictures, and seed 0. What the weights do best comes first: drawing, where a prior was learned."""
        if self.config.dataset == "faces":
            faces = [sample(f"face-{n}") for n in EXAMPLE_FACES]
            found = Example("Ten test faces and what their codes decode to", task="reconstruct", images=faces)
            walk = Example("A walk from face to face", task="interpolate", a=faces[1], b=faces[3])
            if self.config.prior == "flow":
                return [Example("Faces nobody drew, from codes of the learned prior", count=24, seed=0), found, walk]
            ghosts = "Codes of the normal prior decode to mixtures of faces: a prior has to be learned (vae.avatars)"
            return [found, walk, Example(ghosts, count=24, seed=0)]
        plane = [Example("The whole latent plane: every point is a picture", task="plane")]
        digits = one_of_each_digit("mnist" if self.config.dataset == "mnist" else "digit")
        return [
            *(plane if self.config.latent_dim == 2 else []),
            Example("Pictures nobody drew, from random codes", count=60, seed=0),
            Example("Ten test digits and what their codes decode to", task="reconstruct", images=digits),
            Example("A walk from a 3 to a 5", task="interpolate", a=digits[3], b=digits[5]),
        ]

    # What probes and other systems use (core.capabilities)

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """One space, ``z``."""
        return {"z": self.config.latent_dim}

    def sample(self, n: int, rng: RandomStream, space: str | None = None) -> Tensor:
        """Codes (n, latent) from the prior."""
        resolve_space(self, space)
        with torch.no_grad():
            return self.model.sample_prior(rng.normal(n, self.config.latent_dim))

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of codes (B, latent)."""
        resolve_space(self, space)
        fits = z.ndim == 2 and z.shape[1] == self.config.latent_dim
        fits or reject(f"A code has the shape (B, {self.config.latent_dim}).", tuple(z.shape))
        return self.model.decode(z)

    def encode(self, images: Tensor, space: str | None = None) -> Tensor:
        """Mean codes (B, latent) of pictures (B, C, H, W)."""
        resolve_space(self, space)
        return self.model.encode(images)[0]

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        c = self.config
        images, z = torch.rand(2, c.channels, c.image_size, c.image_size), torch.randn(2, c.latent_dim)
        return {
            "encoder": (MethodModule(self, "encode", "codes"), (images,)),
            "decoder": (MethodModule(self, "decode", "images"), (z,)),
        }

    # Pictures in

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W); as light on dark where the data set is."""
        c = self.config
        note_domain_shift(images, c.dataset)
        return to_batch(images, c.image_size, c.channels, light_on_dark=is_light_on_dark(c.dataset)).to(self.device)


def binarize_data(data: TensorData) -> TensorData:
    """Pictures binarised once and for all, so that every measurement, of whatever part, sees the same ones."""
    x = data.tensors["image"]
    uniform = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    return TensorData(image=(uniform < x.float() / 255).byte() * 255)
