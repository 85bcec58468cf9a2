"""Speed of the GAN: of its training step, and of generating."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate
from potmeter.core.training.loop import Trainer, build_system
from potmeter.core.training.options import Options

from .system import GAN

STEPS, GENERATED = 5, 250
"""Training steps, and pictures, that are timed at once."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    config = GAN.presets["lecture"]
    splits = GAN.data(config)
    config = replace(GAN.fit_config(config, splits), r1=0.0)  # the plain loop has no penalty
    if is_selected("train_images_per_s"):
        with tempfile.TemporaryDirectory() as folder:
            step = our_step(config, splits, Path(folder))
            seconds = interleave(
                {"ours": stopwatch(repeat(step)), "bare": stopwatch(repeat(plain_step(config, splits)))}
            )
        rates = {name: STEPS * config.batch_size / value for name, value in seconds.items()}
        note = "ours generates pictures once for both networks, and keeps a moving average; the plain loop generates them twice"
        yield compare("train_images_per_s", "images/s", rates["ours"], rates["bare"], "plain torch loop", note=note)
    if is_selected("draw_images_per_s"):
        system = GAN(config).eval().requires_grad_(False)
        z = torch.randn(GENERATED, next(iter(system.latent_spaces.values())))
        one = lambda: [system.decode(part) for part in z.split(1)]
        seconds = interleave({"ours": stopwatch(lambda: system.decode(z)), "one": stopwatch(one)})
        coarse, fine = config.filters[-1], config.filters[0]
        products = 2 * config.latent_dim * coarse * 49 + 196 * 4 * coarse * fine + 784 * 4 * fine  # of one picture
        limit = conv_rate(channels=32, size=14) / (2 * products)
        rates = {name: GENERATED / value for name, value in seconds.items()}
        yield compare("draw_images_per_s", "images/s", rates["ours"], rates["one"], "one by one", limit=limit)


def repeat(step: Callable[[], object]) -> Callable[[], None]:
    """A function that takes the step as often as is timed at once."""

    def run() -> None:
        for _ in range(STEPS):
            step()

    return run


def our_step(config: Any, splits: Any, folder: Path) -> Callable[[], None]:
    """A training step as the trainer takes it."""
    trainer = Trainer(build_system(GAN, config, 0), splits, Options(steps=10**6, device="cpu", out=folder), quiet=True)
    batches = iter(trainer.batches)

    def step() -> None:
        trainer.system.step(next(batches), trainer)
        trainer.progress.step += 1
        if trainer.average:
            trainer.average.update_parameters(trainer.system)

    return step


def plain_step(config: Any, splits: Any) -> Callable[[], None]:
    """The step one would write by hand: the same networks, new pictures generated for each of the two."""
    system = build_system(GAN, config, 0).train()
    optimizers = system.optimizers()
    size = config.batch_size
    batches = cycle([splits.train.__getitems__(range(i * size, (i + 1) * size)) for i in range(20)])

    def step() -> None:
        batch = next(batches)
        real, labels = 2 * batch["image"] - 1, system.one_hot(batch["label"])
        fake = system.generator(torch.randn(size, config.latent_dim), labels).detach()
        logits = system.discriminator(real, labels), system.discriminator(fake, labels)
        optimizers["discriminator"].zero_grad()
        (F.softplus(-logits[0]) + F.softplus(logits[1])).mean().backward()
        optimizers["discriminator"].step()
        fake = system.generator(torch.randn(size, config.latent_dim), labels)
        optimizers["generator"].zero_grad()
        F.softplus(-system.discriminator(fake, labels)).mean().backward()
        optimizers["generator"].step()

    return step
