"""Speed of making a patch: training steps a second, beside the Adversarial Robustness Toolbox's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.loading import load_model
from potmeter.core.random import RandomStream
from potmeter.probes.fusion import fuse_batch_norms

from .expectation import MAX_ROTATION
from .trainable_patch import TrainablePatch
from .training import BATCH, LR, RESIZE_RATIO, SHARES, train_patch

STEPS = 3
"""Training steps that each runs in turn."""
TARGET = 859
"""Number of the class toaster."""


def rows() -> Iterator[Row]:
    """The comparisons."""
    if is_selected("steps_per_s"):
        yield steps()


def steps() -> Row:
    """Training steps of 8 photos of 224×224 pixels a second, MobileNetV2, a round patch of 160×160."""
    model: Any = load_model("classifier.imagenet").requires_grad_(False)
    quick: Any = fuse_batch_norms(model)
    photos = (torch.rand(BATCH, 3, round(RESIZE_RATIO * 224), round(RESIZE_RATIO * 224)) * 255).byte()
    canvas, rng = TrainablePatch(160), RandomStream(0)
    x = torch.rand(BATCH, 3, 224, 224).contiguous(memory_format=torch.channels_last).requires_grad_()

    def run_ours() -> None:
        list(train_patch(quick, canvas, photos, TARGET, steps=STEPS, every=STEPS, rng=rng))

    def run_network() -> None:
        for _ in range(STEPS):
            torch.autograd.grad(quick.input_loss(x, torch.full((BATCH,), TARGET)).sum(), x)

    seconds = interleave(
        {"ours": stopwatch(run_ours), "peer": stopwatch(peer_steps(model)), "network": stopwatch(run_network)},
        rounds=5,
    )
    rates = {name: STEPS / value for name, value in seconds.items()}
    note = "the network's own forward and backward pass is the limit; ours has its batch normalisations fused"
    return compare("steps_per_s", "steps/s", rates["ours"], rates["peer"], "ART", limit=rates["network"], note=note)


class Logits(nn.Module):
    """A Classifier as the plain network that the toolbox takes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model.logits(x)
        return logits


def peer_steps(model: Any) -> Callable[[], object]:
    """As many steps with the same photos, sizes and rotations in ART, whose optimiser is Adam too."""
    from art.attacks.evasion import AdversarialPatchPyTorch
    from art.estimators.classification import PyTorchClassifier

    network = PyTorchClassifier(
        Logits(model), loss=F.cross_entropy, input_shape=(3, 224, 224), nb_classes=1000, clip_values=(0.0, 1.0),
        device_type="cpu",
    )  # fmt: skip
    attack = AdversarialPatchPyTorch(
        network, rotation_max=MAX_ROTATION, scale_min=SHARES[0] ** 0.5, scale_max=SHARES[1] ** 0.5, learning_rate=LR,
        max_iter=STEPS, batch_size=BATCH, patch_shape=(3, 224, 224), patch_type="circle", optimizer="Adam",
        targeted=True, verbose=False,
    )  # fmt: skip
    photos = np.random.default_rng(0).random((BATCH, 3, 224, 224), np.float32)
    target = np.eye(1000, dtype=np.float32)[[TARGET] * BATCH]
    return lambda: attack.generate(photos, target)
