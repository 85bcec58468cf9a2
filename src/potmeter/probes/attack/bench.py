"""Speed of the attacks beside foolbox's and ART's, on the same network and pictures, and the network's own rate."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from potmeter.core.bench import Row, compare, interleave, timed, wanted
from potmeter.core.load import load
from potmeter.core.system import in_batches
from potmeter.nn.adversary import input_gradient

from .carlini_wagner import carlini_wagner
from .gradient import fgsm, pgd
from .robustness import EPS, digits

BATCH = 100
"""Test digits that are attacked at once."""
FEW = 40
"""Of them, for Carlini and Wagner's attack, which needs hundreds of passes."""
SEARCHES, STEPS, LR = 5, 100, 0.1
"""Of Carlini and Wagner's attack: values of c, steps for each, and their length: shorter ones deceive too seldom."""
SHORT = 5
"""Steps where ART takes part."""


class Logits(nn.Module):
    """The system as the plain network that the peers take."""

    def __init__(self, system: Any) -> None:
        super().__init__()
        self.system = system

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.system.logits(images)
        return logits


def rows() -> Iterator[Row]:
    """The comparisons. The parameters ask for no gradient, for us and for the peers, as ``core.load`` gives systems."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # foolbox imports from an old name of scipy's
        foolbox: Any = import_module("foolbox")
        evasion: Any = import_module("art.attacks.evasion")
        estimators: Any = import_module("art.estimators.classification")

    model = load("classifier.digits")
    batch = next(in_batches(digits(BATCH), BATCH))
    x, y = batch["image"], batch["label"]
    boxed = foolbox.PyTorchModel(Logits(model).eval(), bounds=(0, 1), device="cpu")
    art = estimators.PyTorchClassifier(Logits(model).eval(), nn.CrossEntropyLoss(), x.shape[1:], 10, clip_values=(0, 1))
    pixels, labels = x.numpy(), y.numpy()

    def boxes(attack: Any, eps: float | None) -> Callable[[], object]:
        return lambda: attack(boxed, x, y, epsilons=eps)

    def arts(attack: Any) -> Callable[[], object]:
        return lambda: attack.generate(pixels, labels)

    linf = foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=40)
    steps = {"eps": EPS, "eps_step": 0.01, "max_iter": 40, "num_random_init": 1, "batch_size": BATCH, "verbose": False}
    contests = {
        ("pgd40", 40): {
            "ours": lambda: pgd(model, x, y, EPS, steps=40, step=0.01),
            "foolbox": boxes(linf, EPS),
            "ART": arts(evasion.ProjectedGradientDescent(art, **steps)),
        },
        ("fgsm", 1): {
            "ours": lambda: fgsm(model, x, y, EPS),
            "foolbox": boxes(foolbox.attacks.FGSM(), EPS),
            "ART": arts(evasion.FastGradientMethod(art, eps=EPS, batch_size=BATCH)),
        },
    }
    for (name, passes), functions in contests.items():
        what = f"{name}_images_per_s"
        if wanted(what):
            raw = {"raw": lambda: input_gradient(lambda images: model.input_loss(images, y), x)}
            seconds = interleave({key: timed(f) for key, f in (functions | raw).items()})
            for peer in ("foolbox", "ART"):
                ours, theirs = BATCH / seconds["ours"], BATCH / seconds[peer]
                limit = BATCH / seconds["raw"] / passes
                yield compare(what, "images/s", ours, theirs, peer, limit=limit, note=NOTES[name])

    if wanted("cw_images_per_s"):
        x, y = x[:FEW], y[:FEW]
        pixels, labels = x.numpy(), y.numpy()
        search = foolbox.attacks.L2CarliniWagnerAttack(SEARCHES, STEPS, stepsize=LR)
        first: dict[str, Callable[[], Any]] = {
            "ours": lambda: carlini_wagner(model, x, y, searches=SEARCHES, steps=STEPS, lr=LR),
            "foolbox": boxes(search, None),
        }
        seconds = interleave({key: timed(f) for key, f in first.items()}, rounds=3)
        note = quality(model, x, y, first["ours"], first["foolbox"])
        yield compare("cw_images_per_s", "images/s", FEW / seconds["ours"], FEW / seconds["foolbox"], "foolbox",
                      note=note)  # fmt: skip
        short = {"binary_search_steps": 1, "max_iter": SHORT, "initial_const": 1e-3, "learning_rate": LR}
        second: dict[str, Callable[[], Any]] = {
            "ours": lambda: carlini_wagner(model, x, y, searches=1, steps=SHORT, lr=LR),
            "ART": arts(evasion.CarliniL2Method(art, **short, batch_size=FEW, verbose=False)),
        }
        seconds = interleave({key: timed(f) for key, f in second.items()}, rounds=3)
        note = f"1 search of {SHORT} steps, because ART tries ten lengths for every step"
        yield compare("cw_images_per_s", "images/s", FEW / seconds["ours"], FEW / seconds["ART"], "ART", note=note)


NOTES = {
    "pgd40": "the limit is the network's forward and backward pass alone; foolbox adds two passes to judge the result",
    "fgsm": "one pass; foolbox adds two to judge the result",
}


def quality(model: Any, x: Tensor, y: Tensor, ours: Callable[[], Tensor], foolboxs: Callable[[], Any]) -> str:
    """What the two searches found, because speed alone is easy."""
    found = {"ours": ours(), "foolbox": foolboxs()[0]}
    told = []
    with torch.no_grad():
        for name, images in found.items():
            wrong = model.logits(images).argmax(1) != y
            size = (images - x).flatten(1).norm(dim=1)[wrong].mean()
            told.append(f"{name} deceives with {100 * wrong.float().mean():.0f} %, mean L2 {size:.3f}")
    return f"{SEARCHES} searches of {STEPS} steps; " + "; ".join(told)
