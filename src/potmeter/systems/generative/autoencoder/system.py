"""The autoencoder as a system: data, loss, training, use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from potmeter.core.capabilities import resolve_space
from potmeter.core.random import RandomStream
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example, Goal, System
from potmeter.core.training import processes
from potmeter.data.batches import Batch, in_batches
from potmeter.data.pictures import load_pictures
from potmeter.data.samples import one_of_each_digit
from potmeter.data.sets.records import is_light_on_dark
from potmeter.data.splits import Splits
from potmeter.errors import reject
from potmeter.media import Image, Result, Table, Video
from potmeter.media.image_batch import to_batch
from potmeter.media.image_grid import DISPLAY_SIDE, image_grid, resize_to_side, walk_video
from potmeter.media.labelled_page import labelled_page
from potmeter.metrics.pca import pca_mse
from potmeter.nn.muon import move_to_muon

from . import model
from .elastic import deform


@dataclass(frozen=True)
class Reconstruction(Result):
    """A picture, its reconstruction from each code, and the codes."""

    picture: Image
    codes: Table


class Autoencoder(System):
    """Encodes pictures by 2, 8 and 32 numbers, and reconstructs them."""

    name = "autoencoder"
    Config = model.Config
    presets = {
        "tiny": model.Config(
            dataset="digits",
            latent_dims=(2, 8),
            extra_layers=(0, 0),
            widths=(128, 64),
            batch_size=32,
            lr=3e-3,
            muon_lr=0.02,
        ),
        "lecture": model.Config(
            batch_size=512, lr=5e-3, muon_lr=0.03, warmup=0.02, extra_layers=(6, 3, 0), elastic=1.0
        ),
        "paper": model.Config(latent_dims=(30,), extra_layers=(0,), widths=(1000, 500, 250), norm="none"),
    }
    goal = Goal("mse", "lower")

    def __init__(self, config: model.Config) -> None:
        super().__init__(config)
        self.models = nn.ModuleDict(
            {
                str(n): model.BottleneckAutoencoder(config, n, extra)
                for n, extra in zip(config.latent_dims, config.extra_layers, strict=True)
            }
        )

    # 1. Pictures, which are their own answers

    @classmethod
    def data(cls, config: model.Config, source: str | None = None) -> Splits:
        """Pictures without labels.

        Args:
            source: mnist, fashion, digits, orl, or a folder of pictures; default: the Config's dataset
        """
        return load_pictures(source or config.dataset, config.image_size, config.channels, labels=False)

    # 3. The loss: mean squared error

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        """The squared error of each autoencoder, and the sum of their logarithms, so that none dominates."""
        images = batch["image"]
        images = deform(images, self.rng, self.config.elastic) if self.config.elastic else images
        noisy = images
        if self.config.noise:
            noisy = images + self.config.noise * self.rng.normal(*images.shape)
        errors = {}
        for latent, net in self.nets():
            code = net.encode(noisy)
            net.update_statistics(code)
            errors[f"mse_{latent}"] = (net.decode(code) - images).square().mean()
        local = torch.stack(list(errors.values()))
        total = processes.all_reduce_mean(
            local.detach()
        )  # a mean of logarithms is not the logarithm of the mean over all processes
        return {"loss": (total.log() + (local - local.detach()) / total).sum()} | errors

    def optimizers(self) -> dict[str, Optimizer]:
        """AdamW; with ``muon_lr``, Muon (Jordan et al. 2024) for the matrices that touch neither pixels nor a code."""
        optimizers, c = super().optimizers(), self.config
        outer = {c.channels * c.image_size**2, *c.latent_dims}
        linear = [m for m in self.modules() if isinstance(m, nn.Linear)]
        hidden = [m.weight for m in linear if outer.isdisjoint((m.in_features, m.out_features))]
        if c.muon_lr and hidden:
            optimizers["hidden"] = move_to_muon(hidden, optimizers["model"], c.muon_lr, c.weight_decay)
        return optimizers

    def shard_units(self) -> list[nn.Module]:
        return [half for _, net in self.nets() for half in (net.encoder, net.decoder)]

    def evaluate(self, data: Any) -> dict[str, Tensor]:
        """Squared error per pixel of each test picture, for each bottleneck; ``mse`` is their geometric mean."""
        errors: dict[str, list[Tensor]] = {f"mse_{latent}": [] for latent in self.models}
        for batch in in_batches(data, 1000, self.device):
            for latent, net in self.nets():
                errors[f"mse_{latent}"].append((net(batch["image"]) - batch["image"]).square().flatten(1).mean(1))
        metrics = {key: torch.cat(parts) for key, parts in errors.items()}
        return {"mse": torch.stack([values.mean().log() for values in metrics.values()]).mean().exp()} | metrics

    def baselines(self, splits: Splits) -> dict[str, float]:
        """PCA with as many components as each code has numbers."""
        train, test = (
            torch.cat([batch["image"].flatten(1) for batch in in_batches(part, 5000)])
            for part in (splits.train, splits.test)
        )
        return {f"pca_mse_{latent}": pca_mse(train, test, latent) for latent in self.config.latent_dims}

    # 5. Use

    def forward(self, images: Tensor) -> Tensor:
        """Reconstructions (B, C, H, W) of pictures through the widest bottleneck."""
        reconstruction: Tensor = self.widest(images)
        return reconstruction

    @torch.no_grad()
    def run(self, image: Image) -> Reconstruction:
        """Squeeze a picture through every bottleneck: the picture, then what comes out, narrowest first.

        Args:
            image: the picture; the middle square counts
        """
        x = self.inputs([image])
        codes = {latent: net.encode(x) for latent, net in self.nets()}
        pictures = [self.decode(code, f"z{latent}") for latent, code in codes.items()]
        rows = [(latent, " ".join(f"{v:.2f}" for v in code[0].tolist())) for latent, code in codes.items()]
        captions = ["given", *(f"{latent} numbers" for latent in codes)]
        cells = [
            (resize_to_side(y, DISPLAY_SIDE), text)
            for y, text in zip([x[0], *(p[0] for p in pictures)], captions, strict=True)
        ]
        return Reconstruction(labelled_page([("", cells)]), Table(("numbers", "code"), rows))

    @task
    @torch.no_grad()
    def reconstruct(self, images: list[Image]) -> Image:
        """Pictures (top row) and what comes out of each bottleneck (below, narrowest first).

        Args:
            images: pictures, or folders of them
        """
        x = self.inputs(images)
        return image_grid(torch.cat([x, *(net(x) for _, net in self.nets())]), columns=len(x))

    @task
    @torch.no_grad()
    def denoise(self, images: list[Image], *, noise: Annotated[float, Range(0, 1)] = 0.3, seed: int = 0) -> Image:
        """Noisy pictures (above) and what the widest bottleneck lets through (below): noise does not fit in.

        Args:
            images: pictures, or folders of them
            noise: deviation of the noise that is added
            seed: start of its random numbers
        """
        x = self.inputs(images)
        noisy = (x + noise * RandomStream(seed, device=self.device).normal(*x.shape)).clamp(0, 1)
        return image_grid(torch.cat([noisy, self.widest(noisy)]), columns=len(x))

    @task
    @torch.no_grad()
    def interpolate(self, a: Image, b: Image, *, frames: Annotated[int, Range(2, 240)] = 36) -> Video:
        """Walk in a straight line from one picture's code to the other's, and back, through the widest bottleneck.

        Args:
            a: where the walk starts
            b: where it turns
            frames: pictures on the way there
        """
        start, end = self.widest.encode(self.inputs([a, b]))
        share = torch.linspace(0, 1, frames, device=self.device)[:, None]
        return walk_video(self.widest.decode(start + share * (end - start)))

    @task
    @torch.no_grad()
    def plane(
        self, *, side: Annotated[int, Range(2, 40)] = 20, space: Annotated[str, Choice("latent_spaces")] | None = None
    ) -> Image:
        """The plane of the first two numbers of the code, as a map: what is drawn from each place.

        Args:
            side: pictures along each side
            space: which bottleneck, z2 for the one of two numbers; default: the narrowest
        """
        net, axis = self.net(space), torch.linspace(-2, 2, side, device=self.device)
        z = torch.zeros(side * side, len(net.code_mean), device=self.device)
        z[:, :2] = torch.cartesian_prod(-axis, axis).flip(1)[:, : z.shape[1]]
        return image_grid(net.decode(net.code_mean + z * net.code_std), columns=side, gap=0)

    def examples(self) -> list[Example]:
        digits = one_of_each_digit("mnist" if self.config.dataset == "mnist" else "digit")
        return [
            *(Example(f"A {n} through each bottleneck", image=digits[n]) for n in (3, 8)),
            Example("Ten test digits, and what each bottleneck lets through", task="reconstruct", images=digits),
            Example("The plane of two numbers one can move in", task="plane"),
            Example("Noise does not fit through", task="denoise", images=digits, noise=0.2),
            Example("A walk from a 4 to a 9", task="interpolate", a=digits[4], b=digits[9]),
        ]

    # What probes and other systems use (core.capabilities)

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """The dimensions of the code spaces ``z2``, ``z8`` …, the smallest first."""
        return {f"z{latent}": latent for latent in sorted(self.config.latent_dims)}

    def nets(self) -> list[tuple[str, model.BottleneckAutoencoder]]:
        """Every autoencoder with the size of its code."""
        return list(self.models.items())  # type: ignore[arg-type]

    def net(self, space: str | None = None) -> model.BottleneckAutoencoder:
        """The autoencoder of a space; default: the narrowest."""
        return self.models[str(self.latent_spaces[resolve_space(self, space)])]  # type: ignore[return-value]

    @property
    def widest(self) -> model.BottleneckAutoencoder:
        """The autoencoder with the most room."""
        return self.net(list(self.latent_spaces)[-1])

    def sample(self, n: int, rng: RandomStream, space: str | None = None) -> Tensor:
        """Codes (n, latent) of a space, from the normal distribution that fits the training pictures' codes in it."""
        net = self.net(space)
        return net.code_mean + net.code_std * rng.normal(n, len(net.code_mean))

    def decode(self, z: Tensor, space: str | None = None, condition: Any = None) -> Tensor:
        """Pictures (B, C, H, W) in [0, 1] of codes (B, latent)."""
        net = self.net(space)
        fits = z.ndim == 2 and z.shape[1] == len(net.code_mean)
        fits or reject(f"A code has the shape (B, {len(net.code_mean)}).", tuple(z.shape))
        return net.decode(z)

    def encode(self, images: Tensor, space: str | None = None) -> Tensor:
        """Codes (B, latent) of pictures (B, C, H, W)."""
        return self.net(space).encode(images)

    def export_modules(self) -> dict[str, tuple[nn.Module, tuple[Tensor, ...]]]:
        c = self.config
        images = torch.rand(2, c.channels, c.image_size, c.image_size)
        return {f"z{latent}": (nn.Sequential(net), (images,)) for latent, net in self.nets()}  # a graph has a .code

    def inputs(self, images: list[Image]) -> Tensor:
        """A user's pictures as (B, C, H, W); as light on dark where the data set is."""
        c = self.config
        return to_batch(images, c.image_size, c.channels, light_on_dark=is_light_on_dark(c.dataset)).to(self.device)
