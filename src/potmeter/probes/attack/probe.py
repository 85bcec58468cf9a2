"""The attack as a probe: on a picture of the user's, on several networks, on many sizes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Annotated, Any

import PIL.Image
import torch
from torch import Tensor

from potmeter.core.capabilities import class_index
from potmeter.core.loading import load_model
from potmeter.core.probe import Probe
from potmeter.core.random import Stream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.errors import reject
from potmeter.media import Chart, Image, Result, Table
from potmeter.probes.second_network import second_network

from . import pictures, robustness
from .gradient import fgsm, pgd
from .networks import answered, in_parts, model_name, turned
from .saved import Method, deceive
from .square import signs
from .universal import universal

SIZES = (1, 2, 4, 8, 16)
"""Of the chart: largest changes, in steps of 8 bits."""


@dataclass(frozen=True)
class Attacked(Result):
    """What came of a picture."""

    slide: Image
    """Picture + size × change = picture, with what the network says of each."""
    adversarial: Image
    """The deceiving picture, as the network takes it."""
    table: Table
    """The answers, and the size of the change."""


@dataclass(frozen=True)
class Universal(Result):
    """One change for all pictures."""

    change: Image
    """The change itself, enlarged to be seen."""
    table: Table
    """How many answers it turns, on pictures it was not made from."""


class Attack(Probe):
    """Changes a picture so little that nobody sees it and so cleverly that the network takes it for something else."""

    name = "attack"
    needs = ("Classifier", "Attackable")
    default = "classifier.imagenet"
    measures_model = False

    def run(
        self,
        image: Image,
        *,
        target: str | None = None,
        method: Method = "pgd",
        eps: Annotated[float, Range(0, 1)] = 0.007,
        steps: Annotated[int, Range(1, 10_000)] = 40,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Attacked:
        """Deceive the network with one picture; the saved file deceives it too.

        Args:
            image: the picture; the middle square counts
            target: what it shall be taken for; default: anything else
            method: fgsm and pgd go along the gradient, square asks for answers only; deepfool and carlini_wagner
                find the least change by themselves
            eps: largest change of a value between 0 and 1, rounded down to 8 bits; of pgd_l2, the root of the mean square
            steps: gradient steps; of square, 25 questions each
            seed: start of the randomness
        """
        x = self.inputs([image])
        with torch.no_grad():
            before = self.model.logits(x).softmax(1)[0]
        answer = int(before.argmax())
        wanted = class_index(self.classes, target) if target is not None else answer
        if target is not None and wanted == answer:
            reject(f"The network takes the picture for {self.classes[answer]} already; name another target.", target)
        y = torch.tensor([wanted], device=x.device)
        worse = deceive(self.model, x, y, eps, method=method, targeted=target is not None, steps=steps, seed=seed)
        adversarial = Image.from_tensor(worse[0])
        again = read_back(adversarial, x.shape[1]).to(x.device)[None]  # what is judged is what is saved
        change = pictures.visible((again - x)[0])
        with torch.no_grad():
            alone, after = self.model.logits(torch.cat([change[None], again])).softmax(1)
        size = (again - x).abs() * 255
        rows = []
        for name, shares, largest, mean in (
            ("original", before, 0, 0.0),
            ("adversarial", after, round(size.max().item()), size.mean().item()),
        ):
            own, goal = shares.argmax().item(), (wanted if target is not None else answer)
            rows.append((name, self.classes[own], shares[own].item(), shares[goal].item(), largest, mean))
        columns = (
            "picture",
            "answer",
            "probability",
            f"of {self.classes[wanted]}",
            "largest change / 255",
            "mean change / 255",
        )
        largest = rows[-1][4]
        panels = [
            (x[0], "the picture", pictures.says(before, self.classes)),
            (change, f"the change, {method.replace('_', ' ')}", pictures.says(alone, self.classes)),
            (again[0], "their sum, in 8 bits", pictures.says(after, self.classes)),
        ]
        return Attacked(pictures.slide(panels, f"{largest}/255"), adversarial, Table(columns, rows))

    @task
    def transfer(
        self,
        images: list[Image],
        *,
        other: str | None = None,
        eps: Annotated[float, Range(0, 1)] = 0.03,
        steps: Annotated[int, Range(1, 10_000)] = 40,
    ) -> Table:
        """Whose adversarial pictures deceive whom: shares of the answers that turn, beside random noise of that size.

        Args:
            images: pictures, or folders of them
            other: another model with the same classes and picture size; default: EfficientNet-Lite0
            eps: largest change of a value between 0 and 1
            steps: gradient steps
        """
        second = (load_model(other) if other is not None else second_network()).to(self.device)
        for what in ("input_shape", "classes"):
            mine, its = getattr(self.model, what), getattr(second, what, None)
            if mine != its and list(mine) != list(its or ()):
                reject(f"Both models must have the same {what.replace('_', ' ')}.", other or "EfficientNet-Lite0")
        x = self.inputs(images)
        first, last = model_name(self.model), model_name(second)
        models = {first: self.model, last if last != first else f"{last} (other)": second}
        answers = {name: answered(model, x) for name, model in models.items()}
        noise = (x + eps * signs(Stream(0), *x.shape).to(x)).clamp(0, 1)
        made = {f"for {name}": in_parts(lambda a, b, m=model: pgd(m, a, b, eps, steps=steps), x, answers[name])
                for name, model in models.items()}  # fmt: skip
        rows = [
            (origin, *(turned(model, worse, answers[name]) for name, model in models.items()))
            for origin, worse in [*made.items(), ("at random", noise)]
        ]
        return Table(("made", *(f"turns {name}" for name in models)), rows)

    @task
    def universal(
        self,
        images: list[Image],
        *,
        eps: Annotated[float, Range(0, 1)] = 0.04,
        epochs: Annotated[int, Range(1, 1000)] = 10,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Universal:
        """One change for all pictures: made from every other picture, judged on the rest.

        Args:
            images: pictures, or folders of them; at least two
            eps: largest change of a value between 0 and 1
            epochs: how often the pictures are gone through
            seed: start of the randomness
        """
        len(images) >= 2 or reject("At least two pictures are needed, to learn from and to judge.", len(images))
        x = self.inputs(images)
        y = answered(self.model, x)
        change = universal(self.model, x[::2], y[::2], eps, epochs=epochs, seed=seed)
        noise = eps * signs(Stream(seed), *change.shape).to(x)
        rows = []
        for name, delta in (("universal", change), ("at random", noise)):
            shares = [turned(self.model, (part + delta).clamp(0, 1), of)
                      for part, of in ((x[::2], y[::2]), (x[1::2], y[1::2]))]  # fmt: skip
            rows.append((name, *shares))
        columns = ("change", f"turns, of the {len(x[::2])} it was made from", f"turns, of the {len(x[1::2])} others")
        picture = Image(pictures.pixels(pictures.visible(change)))
        return Universal(picture, Table(columns, rows))

    @task
    def robustness(self, images: list[Image], *, steps: Annotated[int, Range(1, 10_000)] = 10) -> Chart:
        """Which share of its answers the network keeps, over the size of the change.

        Args:
            images: pictures, or folders of them
            steps: gradient steps of PGD
        """
        x = self.inputs(images)
        y = answered(self.model, x)
        names = ("random noise", "FGSM", f"PGD, {steps} steps")
        lines: dict[str, list[tuple[float, float]]] = {name: [(0.0, 1.0)] for name in names}
        for size in SIZES:
            eps = size / 255
            worse = (
                robustness.noise(self.model, x, y, eps, draws=1),
                in_parts(lambda a, b, e=eps: fgsm(self.model, a, b, e), x, y),
                in_parts(lambda a, b, e=eps: pgd(self.model, a, b, e, steps=steps), x, y),
            )
            for line, changed in zip(lines.values(), worse, strict=True):
                line.append((float(size), 1 - turned(self.model, changed, y)))
        return Chart(lines, x="largest change of a pixel's value, of 255", y="share of answers kept")

    def evaluate(self) -> dict[str, float]:
        """Accuracies of the plain digits' network and of the robust one under attack, on 1,000 test digits, ε 0.3."""
        return robustness.under_attack(robustness.digits())

    def baselines(self) -> dict[str, float]:
        return robustness.under_noise(robustness.digits())

    def examples(self) -> list[Example]:
        photos = [sample(f"imagenet-{number}") for number in range(4)]
        return [
            Example("The slide: a giant panda becomes a gibbon", image=sample("panda"), target="gibbon"),
            Example("The cat becomes a toaster", image=sample("cat"), target="toaster"),
            Example("One step along the sign of the gradient", image=sample("panda"), method="fgsm"),
            Example("Whose pictures deceive whom, of four photos", task="transfer", images=photos, steps=10),
            Example("How much does it take, for these four?", task="robustness", images=photos, steps=5),
        ]

    # Between pictures and tensors

    @property
    def classes(self) -> tuple[str, ...]:
        """What the network tells apart."""
        return tuple(self.model.classes)

    def inputs(self, images: Any) -> Tensor:
        """Pictures as the network takes them: (B, C, H, W) in steps of 1/255."""
        images or reject("At least one picture is needed.", "none")
        channels, height, width = self.model.input_shape
        height == width or reject("The network must take square pictures.", f"{height} × {width}")
        own = getattr(self.model, "inputs", None)  # a system may know more, as that digits are light on dark
        x = own(list(images)) if own else torch.stack([image.tensor(height, channels) for image in images])
        return (255 * x).round().div(255).contiguous(memory_format=torch.channels_last).to(self.device)


def read_back(image: Image, channels: int) -> Tensor:
    """The picture (C, H, W) that a network gets from the saved file."""
    saved = Image.from_pil(PIL.Image.open(io.BytesIO(image.encode(".png"))))
    return saved.tensor(None, channels)
