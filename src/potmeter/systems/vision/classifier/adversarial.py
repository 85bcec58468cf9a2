"""Adversarial training (Madry et al. 2018, arXiv:1706.06083), and accuracy under attack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from potmeter.core.random import RandomStream
from potmeter.data.batches import in_batches
from potmeter.nn.gradient_attacks import fgsm, pgd, random_start


def attack_minibatch(system: Any, images: Tensor, labels: Tensor, eps_factor: float = 1.0) -> Tensor:
    """Adversarial examples (B, C, H, W) of training pictures, against the network as it is now.

    ``eps_factor`` is the share of ε that the warm-up allows. Against the whole of it a new network learns nothing: all
    pictures can be made alike.

    ``fgsm`` is one step of 1.25 ε from a random start (Wong et al. 2020, arXiv:2001.03994), which costs a quarter of
    ``pgd`` with 7 steps of 2.5 ε / 7. The statistics of batch normalisation are not touched meanwhile.
    """
    c, mode, eps = system.config, system.training, eps_factor * system.config.adversarial_eps
    steps, step = (1, 1.25) if c.adversarial_training == "fgsm" else (c.adversarial_steps, 2.5 / c.adversarial_steps)
    start = random_start(images, eps, "linf", system.rng.uniform(*images.shape))
    system.eval()
    adversarial = pgd(
        lambda x: system.input_loss(x, labels), images, eps, steps=steps, step_size=step * eps, start=start
    )
    system.train(mode)
    return adversarial


def is_correct_under_fgsm(system: Any, data: Any) -> Tensor:
    """Whether each picture (N,) is still classified rightly after the fast gradient sign method."""
    eps = system.config.adversarial_eps
    return is_correct_under_attack(system, data, lambda loss, x: fgsm(loss, x, eps))


def is_correct_under_pgd(system: Any, data: Any, steps: int, step: float) -> Tensor:
    """Whether each picture (N,) is still classified rightly after gradient steps of ``step`` ε from one random start."""
    eps, rng = system.config.adversarial_eps, RandomStream(0)

    def attack(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        start = random_start(x, eps, "linf", rng.uniform(*x.shape).to(x.device))
        return pgd(loss, x, eps, steps=steps, step_size=step * eps, start=start)

    return is_correct_under_attack(system, data, attack)


def is_correct_under_attack(
    system: Any, data: Any, attack: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]
) -> Tensor:
    """Whether each picture (N,) of a data set is classified rightly after an attack on it."""
    right = []
    for batch in in_batches(data, 500, system.device):
        labels = batch["label"]
        adversarial = attack(partial(system.input_loss, target=labels), batch["image"])
        with torch.no_grad():
            right.append((system.logits(adversarial).argmax(1) == labels).float())
    return torch.cat(right)
