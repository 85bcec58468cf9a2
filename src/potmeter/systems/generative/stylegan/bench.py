"""Speed of StyleGAN beside gan-lab's, which is the one that installs from PyPI and runs without a GPU."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options
from potmeter.data.splits import Splits, TensorData

from .model import Config
from .system import StyleGAN

FILTERS = (32, 64, 128, 128, 128)
"""Channels of both, finest first: a quarter of the paper's, as gan-lab counts them."""
SIDE, BATCH = 64, 16
"""Of the pictures, and how many at once."""


def rows() -> Iterator[Row]:
    """The comparisons: the same sizes, latent 128, at the finest resolution, fresh weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # gan-lab compares strings with ``is``, and tells its norms odd sizes
        yield from peer_rows()


def peer_rows() -> Iterator[Row]:
    """The rows."""
    config = replace(
        StyleGAN.presets["lecture"], filters=FILTERS, height=SIDE, width=SIDE, batch_size=BATCH, stable_kimg=0.0,
        fade_kimg=0.0, r1_interval=1, ema=0.0,
    )  # fmt: skip
    generator, discriminator = peers(config.latent_dim)
    size = BATCH / 1000
    if is_selected("images_per_s_generate"):
        ours = build_system(StyleGAN, config, 0).eval().requires_grad_(False)
        z = torch.randn(BATCH, config.latent_dim)
        generator.eval()
        run_peer = torch.no_grad()(lambda: generator(z))
        seconds = interleave({"ours": stopwatch(lambda: ours.generator(z)), "peer": stopwatch(run_peer)})
        rates = {name: BATCH / value for name, value in seconds.items()}
        limit = conv_rate(channels=32, size=SIDE, batch=BATCH) / (2 * products(config))
        note = (
            "upsampling and convolution are one transposed convolution, and scale and shift are one pass with the norm"
        )
        yield compare(
            "images_per_s_generate", "images/s", rates["ours"], rates["peer"], "gan-lab", limit=limit, note=note
        )
    if is_selected("kimg_per_hour_train"):
        with tempfile.TemporaryDirectory() as folder:
            step = our_step(config, Path(folder))
            seconds = interleave(
                {"ours": stopwatch(step), "peer": stopwatch(peer_step(generator, discriminator, config))}
            )
        rates = {name: 3600 * size / value for name, value in seconds.items()}
        note = "both with R1 in every step; --preset lecture has it in every eighth, and grows"
        yield compare("kimg_per_hour_train", "kimg/h", rates["ours"], rates["peer"], "gan-lab", note=note)


def products(config: Config) -> int:
    """Multiplications in the convolutions of one generated picture."""
    total = 0
    for level, filters in enumerate(config.level_filters):
        height, width = config.size(level)
        before = config.level_filters[level - 1] if level else 0
        total += height * width * filters * (4 * before + 9 * filters)
    return total


def our_step(config: Config, folder: Path) -> Callable[[], object]:
    """A training step as the trainer takes it, on random pictures."""
    images = (torch.rand(256, 3, SIDE, SIDE) * 255).byte()
    data = TensorData(image=images)
    options = Options(steps=10**6, device="cpu", out=folder)
    trainer = Trainer(build_system(StyleGAN, config, 0), Splits(data, data, data), options, quiet=True)
    batches = iter(trainer.batches)

    def step() -> None:
        trainer.system.step(next(batches), trainer)

    return step


def peers(latent_dim: int) -> tuple[Any, Any]:
    """gan-lab's two networks, grown to the size of ours, with the paper's blur."""
    from gan_lab.stylegan import architectures, base  # type: ignore[import-not-found]
    from progan.architectures import ProDiscriminator  # type: ignore[import-not-found] # gan-lab puts itself on the path

    base.FMAP_BASE, base.FMAP_MAX = 8 * FILTERS[-1], FILTERS[-1]
    base.StyleGAN.reset_state()
    generator = architectures.StyleGenerator(
        SIDE, len_latent=latent_dim, len_dlatent=latent_dim, blur_type="binomial",
        truncation_trick_params={"beta": 0.995, "psi": 0.7, "cutoff_stage": None},
    )  # fmt: skip
    renamed = type("StyleDiscriminator", (base.StyleGAN,), dict(ProDiscriminator.__dict__))  # as its learner does
    discriminator = renamed(SIDE, blur_type="binomial")
    for _ in range(len(FILTERS) - 1):
        generator.increase_scale()
        discriminator.increase_scale()
    base.StyleGAN._fade_in_phase = False
    return generator, discriminator


def peer_step(generator: Any, discriminator: Any, config: Config) -> Callable[[], object]:
    """The same step with gan-lab's networks."""
    adam = lambda net: torch.optim.Adam(net.parameters(), lr=config.lr, betas=(0.0, 0.99), eps=1e-8)
    generator.train()  # which, unlike torch's, returns nothing
    discriminator.train()
    generator_adam, discriminator_adam = adam(generator), adam(discriminator)
    images = torch.rand(BATCH, 3, SIDE, SIDE) * 2 - 1

    def step() -> None:
        real = images.clone().requires_grad_()
        fake = generator(torch.randn(BATCH, config.latent_dim))
        logits: Tensor = discriminator(real)
        (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
        loss = (F.softplus(-logits) + F.softplus(discriminator(fake.detach()))).mean()
        discriminator_adam.zero_grad()
        (loss + config.r1 / 2 * gradient.square().flatten(1).sum(1).mean()).backward()
        discriminator_adam.step()
        generator_adam.zero_grad()
        F.softplus(-discriminator(fake)).mean().backward()
        generator_adam.step()

    return step
