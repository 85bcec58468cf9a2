"""Speed of the attacks beside foolbox's and ART's, on the same network and pictures, and the network's own rate."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, is_selected, stopwatch
from potmeter.core.loading import load
from potmeter.data.batches import in_batches
from potmeter.nn.gradient_attacks import input_gradient

from .carlini_wagner import carlini_wagner
from .gradient import fgsm, pgd
from .robustness import EPS, digits

BATCH = 100
"""Test digits that are attacked at once."""
NUM_CARLINI_WAGNER = 40
"""Of them, for Carlini and Wagner's attack, which needs hundreds of passes."""
SEARCHES, STEPS, LR = 5, 100, 0.1
"""Of Carlini and Wagner's attack: values of c, steps for each, and the learning rate; foolbox's own deceives too seldom."""
NUM_ART_STEPS = 5
"""Steps where ART takes part."""


class Logits(nn.Module):
    """The system as the plain network that the peers take."""

    def __init__(self, system: Any) -> None:
        super().__init__()
        self.system = system

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.system.logits(images)
        return logits


class Peers:
    """foolbox and ART, and the network as they take it.

    Args:
        model: The system.
        shape: (C, H, W) of its pictures.
    """

    def __init__(self, model: Any, shape: tuple[int, ...]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # foolbox imports from an old name of scipy's
            self.foolbox: Any = import_module("foolbox")
            self.evasion: Any = import_module("art.attacks.evasion")
            estimators: Any = import_module("art.estimators.classification")
        network = Logits(model).eval()
        self.boxed = self.foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
        self.art = estimators.PyTorchClassifier(network, nn.CrossEntropyLoss(), shape, 10, clip_values=(0, 1))

    def foolbox_attack(self, attack: Any, x: Tensor, y: Tensor, eps: float | None) -> Callable[[], Any]:
        """An attack of foolbox's, to be timed."""
        return lambda: attack(self.boxed, x, y, epsilons=eps)

    def art_attack(self, name: str, x: Tensor, y: Tensor, **settings: Any) -> Callable[[], Any]:
        """An attack of ART's, to be timed."""
        attack = getattr(self.evasion, name)(self.art, batch_size=len(x), **settings)
        return lambda: attack.generate(x.numpy(), y.numpy())


def rows() -> Iterator[Row]:
    """The comparisons. The parameters ask for no gradient, for us and for the peers, as ``core.load`` gives systems."""
    model = load("classifier.digits")
    batch = next(in_batches(digits(BATCH), BATCH))
    x, y = batch["image"], batch["label"]
    peers = Peers(model, x.shape[1:])
    for name, passes in (("pgd40", 40), ("fgsm", 1)):
        if is_selected(f"{name}_images_per_s"):
            yield from compare_gradient_attack(name, passes, model, x, y, peers)
    if is_selected("cw_images_per_s"):
        yield from compare_carlini_wagner(model, x[:NUM_CARLINI_WAGNER], y[:NUM_CARLINI_WAGNER], peers)


def compare_gradient_attack(name: str, passes: int, model: Any, x: Tensor, y: Tensor, peers: Peers) -> Iterator[Row]:
    """FGSM or PGD, so many passes of the network, beside both peers."""
    attacks = peers.foolbox.attacks
    contests: dict[str, dict[str, Callable[[], Any]]] = {
        "pgd40": {
            "ours": lambda: pgd(model, x, y, EPS, steps=40, step_size=0.01),
            "foolbox": peers.foolbox_attack(attacks.LinfPGD(abs_stepsize=0.01, steps=40), x, y, EPS),
            "ART": peers.art_attack("ProjectedGradientDescent", x, y, eps=EPS, eps_step=0.01, max_iter=40,
                                num_random_init=1, verbose=False),
        },
        "fgsm": {
            "ours": lambda: fgsm(model, x, y, EPS),
            "foolbox": peers.foolbox_attack(attacks.FGSM(), x, y, EPS),
            "ART": peers.art_attack("FastGradientMethod", x, y, eps=EPS),
        },
    }  # fmt: skip
    raw = {"raw": lambda: input_gradient(lambda images: model.input_loss(images, y), x)}
    rates = rates_of(contests[name] | raw, len(x), 7)
    for peer in ("foolbox", "ART"):
        yield compare(f"{name}_images_per_s", "images/s", rates["ours"], rates[peer], peer,
                      limit=rates["raw"] / passes, note=NOTES[name])  # fmt: skip


def compare_carlini_wagner(model: Any, x: Tensor, y: Tensor, peers: Peers) -> Iterator[Row]:
    """Carlini and Wagner's search for the nearest deceiving image."""
    search = peers.foolbox.attacks.L2CarliniWagnerAttack(SEARCHES, STEPS, stepsize=LR)
    run_ours = lambda: carlini_wagner(model, x, y, searches=SEARCHES, steps=STEPS, lr=LR)
    run_peer = peers.foolbox_attack(search, x, y, None)
    rates = rates_of({"ours": run_ours, "peer": run_peer}, len(x), 3)
    note = describe_quality(model, x, y, run_ours, run_peer)
    yield compare("cw_images_per_s", "images/s", rates["ours"], rates["peer"], "foolbox", note=note)

    run_ours = lambda: carlini_wagner(model, x, y, searches=1, steps=NUM_ART_STEPS, lr=LR)
    run_peer = peers.art_attack("CarliniL2Method", x, y, binary_search_steps=1, max_iter=NUM_ART_STEPS, initial_const=1e-3,
                          learning_rate=LR, verbose=False)  # fmt: skip
    rates = rates_of({"ours": run_ours, "peer": run_peer}, len(x), 3)
    note = f"1 search of {NUM_ART_STEPS} steps, because ART tries ten lengths for every step"
    yield compare("cw_images_per_s", "images/s", rates["ours"], rates["peer"], "ART", note=note)


def rates_of(functions: dict[str, Callable[[], Any]], count: int, rounds: int) -> dict[str, float]:
    """Pictures a second of each function, which deals with ``count`` at once."""
    seconds = interleave({name: stopwatch(function) for name, function in functions.items()}, rounds)
    return {name: count / value for name, value in seconds.items()}


NOTES = {
    "pgd40": "the limit is the network's forward and backward pass alone; foolbox adds two passes to judge the result",
    "fgsm": "one pass; foolbox adds two to judge the result",
}


def describe_quality(
    model: Any, x: Tensor, y: Tensor, run_ours: Callable[[], Tensor], run_peer: Callable[[], Any]
) -> str:
    """What the two searches found, because speed alone is easy."""
    found = {"ours": run_ours(), "foolbox": run_peer()[0]}
    told = []
    with torch.no_grad():
        for name, images in found.items():
            wrong = model.logits(images).argmax(1) != y
            size = (images - x).flatten(1).norm(dim=1)[wrong].mean()
            told.append(f"{name} deceives with {100 * wrong.float().mean():.0f} %, mean L2 {size:.3f}")
    return f"{SEARCHES} searches of {STEPS} steps; " + "; ".join(told)
