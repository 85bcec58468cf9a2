"""One step of the game between the two networks, at the resolution that is being learned."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from potmeter.core.random import Stream
from potmeter.core.system import TrainingLoop
from potmeter.core.training import processes
from potmeter.data.batches import Batch
from potmeter.nn.gan_losses import discriminator_loss, generator_loss, r1_penalty
from potmeter.systems.generative.judge import check_for_collapse

from .growth import shrunk
from .model import Config, mixed


def play(system: Any, batch: Batch, trainer: TrainingLoop) -> dict[str, Tensor]:
    """One step of the discriminator, with R1 every so often, and one of the generator, on the same made pictures."""
    c, rng, count = system.config, trainer.rng, len(batch["image"])
    level, share = system.stage
    real = shrunk(2 * batch["image"] - 1, c, level, share).contiguous(memory_format=torch.channels_last)
    made = system.generator.synthesis(styles(system, rng, count, level), noise(c, rng, count, level), level, share)
    haze = lambda images: images + c.haze * rng.normal(*images.shape) if c.haze else images
    verdict = lambda images: system.discriminator(haze(images), level, share)

    loss = discriminator_loss("non-saturating", verdict(real), verdict(made.detach()))
    slopes = real.new_zeros(())
    if c.r1 and trainer.step % c.r1_every == 0:
        slopes = c.r1_every * c.r1 / 2 * r1_penalty(verdict, real).mean()
    trainer.update(loss + slopes, "discriminator")

    fooled = generator_loss("non-saturating", verdict(made))
    trainer.update(fooled, "generator")
    system.seen += c.batch_size
    check_for_collapse(made, real, trainer.step)
    return {"loss": loss, "generator": fooled, "level": made.new_tensor(level - 1 + share)}


def styles(system: Any, rng: Stream, count: int, level: int) -> Tensor:
    """Styles (B, layers, latent): of some pictures from a random layer on those of another z."""
    c, generator = system.config, system.generator
    z, other = rng.normal(count, 2, c.latent).unbind(1)
    w = generator.mapping(z)
    with torch.no_grad():
        generator.average.lerp_(processes.all_reduce_mean(w.mean(0)), 1 - c.average_beta)
    layers = 2 * (level + 1)
    cut = 1 + rng.integers(layers - 1, count)
    cut = torch.where(rng.uniform(count) < c.mixing, cut, layers)
    return mixed(w, generator.mapping(other), cut, layers)


def noise(config: Config, rng: Stream, count: int, level: int) -> list[Tensor | None]:
    """Fresh noise for each layer."""
    return [rng.normal(count, 1, *config.size(layer // 2)) for layer in range(2 * (level + 1))]
