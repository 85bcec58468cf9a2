"""Speed of StackGAN: of a training step in each stage, and of generating."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.machine import conv_rate, count_products
from potmeter.core.random import RandomStream

from .config import Config
from .model import Discriminator, FirstGenerator, SecondGenerator, enlarge, kl_divergence, sample_gaussian
from .sentences import encode_sentences
from .system import StackGAN

BATCH, GENERATED = 8, 4
"""Pictures of a training step, and pictures generated, that are timed at once."""
SENTENCE = "this bird is blue with white and has a very short beak"


class Loop:
    """As much of the training loop as a step needs.

    Args:
        system: What is trained.
    """

    def __init__(self, system: StackGAN) -> None:
        self.optimizers, self.rng, self.step = system.optimizers(), RandomStream(0), 0

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
    for stage in ("first", "second"):
        if is_selected(f"train_{stage}_images_per_s"):
            yield train(config, stage)
    if is_selected("generate_images_per_s"):
        yield generate(config)


# A training step ------------------------------------------------------------------------------------------------------


def train(config: Config, stage: str) -> Row:
    """Pictures a second in a training step of a stage, ours and the paper's."""
    ours, plain = our_step(config, stage), plain_step(config, stage)
    seconds = interleave({"ours": stopwatch(ours), "plain": stopwatch(plain)}, rounds=5)
    size = config.small_size if stage == "first" else config.image_size
    note = f"{size}×{size}; ours also reconstructs and, in stage I, compares with sentences and trains their encoder"
    rates = {name: BATCH / value for name, value in seconds.items()}
    limit = BATCH * conv_rate() / (2 * count_step(config, stage))
    peer = "the paper's step in float32; limit: its convolutions"
    return compare(
        f"train_{stage}_images_per_s", "images/s", rates["ours"], rates["plain"], peer, limit=limit, note=note
    )


def count_step(config: Config, stage: str) -> int:
    """The multiplications of the paper's step: a backward pass has as many as a forward pass for each of its gradients.

    The discriminator's step has two forward passes, with gradients of inputs and weights; the generator's one of each network,
    and in the discriminator no gradients of weights.
    """
    system, (small, large, _) = StackGAN(config), samples(config)
    text, (first, second) = torch.zeros(BATCH, config.text_dim), count_generators(config)
    if stage == "first":
        return 8 * count_products(system.first_discriminator, small, text) + 3 * first
    return 8 * count_products(system.second_discriminator, large, text) + 3 * second + first


def count_generators(config: Config) -> tuple[int, int]:
    """The multiplications of a minibatch's forward passes of stage I's generator, and of stage II's."""
    system, (small, _, _) = StackGAN(config), samples(config)
    condition, z = torch.zeros(BATCH, config.condition_dim), torch.zeros(BATCH, config.latent_dim)
    return count_products(system.first, condition, z), count_products(system.second, small, condition)


def samples(config: Config) -> tuple[Tensor, Tensor, Tensor]:
    """Small and large pictures (B, 3, H, W) in [−1, 1], and sentences as tokens (B, T)."""
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
    loop, (real, large, tokens) = Loop(system), samples(config)
    generator: FirstGenerator | SecondGenerator = system.first
    discriminator = system.first_discriminator
    if stage == "second":
        generator, discriminator, real = system.second, system.second_discriminator, large

    def step() -> None:
        text = system.text_encoder(tokens).detach()
        gaussian = generator.augmentation(text)
        condition = sample_gaussian(gaussian, loop.noise(BATCH, config.condition_dim))
        z = loop.noise(BATCH, config.latent_dim)
        if stage == "first":
            fake = system.first(condition, z)
        else:
            with torch.no_grad():
                small = system.first(condition, z)
            fake = system.second(small, condition)
        loop.update(matching_aware_loss(discriminator, real, fake.detach(), text), f"{stage} discriminator")
        loop.update(
            F.softplus(-discriminator(fake, text)).mean() + config.kl_weight * kl_divergence(gaussian).mean(), stage
        )

    return step


def matching_aware_loss(discriminator: Discriminator, real: Tensor, fake: Tensor, text: Tensor) -> Tensor:
    """Three passes of the discriminator, one for each kind of pair."""
    cross_entropy, ones = F.binary_cross_entropy_with_logits, torch.ones(BATCH)
    mismatching, generated = discriminator(real, text.roll(1, 0)), discriminator(fake, text)
    wrong = cross_entropy(mismatching, 1 - ones) + cross_entropy(generated, 1 - ones)
    return cross_entropy(discriminator(real, text), ones) + wrong / 2


# Generating -----------------------------------------------------------------------------------------------------------


def generate(config: Config) -> Row:
    """Pictures of 256 × 256 pixels a second, from sentences, by both stages."""
    system = StackGAN(config).eval().requires_grad_(False)
    nn.init.normal_(system.second.to_rgb.weight, std=0.1)  # zeros would hide a difference
    tokens, z = encode_sentences([SENTENCE] * GENERATED, config), RandomStream(0).normal(GENERATED, config.latent_dim)
    plain = StackGAN(config).eval().requires_grad_(False).to(memory_format=torch.contiguous_format)
    plain.load_state_dict(system.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(system(tokens, z), generate_plainly(plain, tokens, z), rtol=1e-3, atol=1e-4)
        calls = {
            "ours": stopwatch(lambda: system(tokens, z)),
            "plain": stopwatch(lambda: generate_plainly(plain, tokens, z)),
        }
        seconds = interleave(calls, rounds=7)
    rates = {name: GENERATED / value for name, value in seconds.items()}
    limit = BATCH * conv_rate() / (2 * sum(count_generators(config)))
    note = "channels_last throughout"
    peer = "the same networks in torch's default memory format"
    return compare("generate_images_per_s", "images/s", rates["ours"], rates["plain"], peer, limit=limit, note=note)


def generate_plainly(system: StackGAN, tokens: Tensor, z: Tensor) -> Tensor:
    """Stage II's pictures in [0, 1], layer after layer, as one would write it by hand."""
    text, (first, second) = system.text_encoder(tokens), (system.first, system.second)
    x = first.projection(torch.cat([first.augmentation(text)[0], z], 1)).view(len(z), -1, 4, 4)
    small = first.to_rgb(first.upsampling(x)).tanh()
    finest = second.entry(small)
    x = second.downsampling(finest)
    condition = second.augmentation(text)[0][:, :, None, None].expand(-1, -1, *x.shape[2:])
    x = second.residual(second.joint(torch.cat([x, condition], 1)))
    for level, block in enumerate(second.upsampling):
        x = block(torch.cat([x, finest], 1) if level == second.skip_level else x)
    return ((enlarge(small, 4) + second.to_rgb(x)).clamp(-1, 1) + 1) / 2
