"""Speed of StackGAN: of a training step in each stage, and of drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.random import RandomStream

from .config import Config
from .model import draw, kl_divergence
from .sentences import encode_sentences
from .system import StackGAN

BATCH, DRAWN = 8, 4
"""Pictures of a training step, and pictures drawn, that are timed at once."""
SENTENCE = "this bird is blue with white and has a very short beak"


class Loop:
    """As much of the training loop as a step needs.

    Args:
        system: What is trained.
    """

    def __init__(self, system: StackGAN) -> None:
        self.optimizers, self.rng = system.optimizers(), RandomStream(0)

    def noise(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return self.rng.normal(*shape)

    def update(self, loss: Tensor, name: str) -> None:
        """One step of an optimiser."""
        optimizer = self.optimizers[name]
        torch.autograd.backward(loss, inputs=[p for group in optimizer.param_groups for p in group["params"]])
        optimizer.step()
        for each in self.optimizers.values():
            each.zero_grad()


def rows() -> Iterator[Row]:
    """The comparisons."""
    config = replace(StackGAN.presets["lecture"], vocabulary=tuple(sorted(set(SENTENCE.split()))))
    for stage, size in (("first", config.small_size), ("second", config.image_size)):
        what = f"train_{stage}_images_per_s"
        if is_selected(what):
            ours, plain = our_step(config, stage), plain_step(config, stage)
            seconds = interleave({"ours": stopwatch(ours), "plain": stopwatch(plain)}, rounds=5)
            note = (
                f"{size}×{size}; ours also reconstructs, compares with sentences and, in stage I, trains their encoder"
            )
            rates = {name: BATCH / value for name, value in seconds.items()}
            yield compare(what, "images/s", rates["ours"], rates["plain"], "the paper's step in float32", note=note)
    if is_selected("draw_images_per_s"):
        system = StackGAN(config).eval().requires_grad_(False)
        together = lambda: system.generate([SENTENCE] * DRAWN, RandomStream(0))
        one = lambda: [system.generate([SENTENCE], RandomStream(0)) for _ in range(DRAWN)]
        seconds = interleave({"ours": stopwatch(together), "one": stopwatch(one)}, rounds=5)
        yield compare("draw_images_per_s", "images/s", DRAWN / seconds["ours"], DRAWN / seconds["one"], "one by one")


def samples(config: Config) -> tuple[Tensor, Tensor, Tensor]:
    """Small and large pictures, and sentences as tokens."""
    small, large = (2 * torch.rand(BATCH, 3, side, side) - 1 for side in (config.small_size, config.image_size))
    return small, large, encode_sentences([SENTENCE] * BATCH, config)


def our_step(config: Config, stage: str) -> Callable[[], object]:
    """A training step of a stage as the system takes it."""
    system = StackGAN(config).train()
    system.picture_encoder.eval()
    loop, (small, large, tokens) = Loop(system), samples(config)
    if stage == "first":
        return lambda: system.step_first(small, tokens, loop)  # type: ignore[arg-type]
    return lambda: system.step_second(small, large, tokens, loop)  # type: ignore[arg-type]


def plain_step(config: Config, stage: str) -> Callable[[], None]:
    """The paper's step of a stage, as one would write it by hand: equations 3 to 6 and nothing else."""
    system = StackGAN(replace(config, precision="float32")).train()
    loop, (small, large, tokens) = Loop(system), samples(config)
    generator, critic = (
        (system.first, system.first_critic) if stage == "first" else (system.second, system.second_critic)
    )
    real = small if stage == "first" else large

    def step() -> None:
        text = system.text_encoder(tokens).detach()
        gaussian = generator.augmentation(text)
        condition = draw(gaussian, loop.noise(BATCH, config.condition_dim))
        z = loop.noise(BATCH, config.latent_dim)
        if stage == "first":
            fake = system.first(condition, z)
        else:
            fake = system.second(system.first(condition, z).detach(), condition)
        right, wrong, made = critic(real, text), critic(real, text.roll(1, 0)), critic(fake.detach(), text)
        loss = F.softplus(-right).mean() + (F.softplus(wrong) + F.softplus(made)).mean() / 2
        loop.update(loss, f"{stage} critic")
        loop.update(F.softplus(-critic(fake, text)).mean() + config.kl * kl_divergence(gaussian).mean(), stage)

    return step
