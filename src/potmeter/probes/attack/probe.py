"""The attack as a probe: on an image of the user's, on several networks, for perturbations of many sizes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import PIL.Image
import torch
from torch import Tensor, nn

from potmeter.core.capabilities import Captioner, Classifier, Detector, Segmenter, class_index
from potmeter.core.loading import load_model
from potmeter.core.probe import Probe
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example, System
from potmeter.data.samples import sample
from potmeter.errors import reject
from potmeter.media import Chart, Image, Result, Table
from potmeter.probes.second_network import second_network

from . import robustness
from .captions import attack_captions
from .criterion import attack_in_minibatches, predict, success_rate
from .detections import attack_detections
from .gradient import fgsm, pgd
from .masks import attack_masks
from .outcome import AdversarialExample, Answer, compare
from .quantisation import Method, attack_in_8_bits
from .slide import describe_answer, magnify, to_pixels
from .square import random_signs
from .universal import universal_perturbation

ATTACKS = {Segmenter: attack_masks, Detector: attack_detections, Captioner: attack_captions}
"""What attacks a model of each capability whose answer is no class."""
SIZES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 4, 16)
"""Of the chart: largest perturbations of a value, of 255. A network without a defence gives way below 1."""


@dataclass(frozen=True)
class UniversalPerturbation(Result):
    """One perturbation for all images."""

    perturbation: Image
    """The perturbation itself, magnified to be seen."""
    table: Table
    """Its success rate, on images it was made from and on others."""


class Attack(Probe):
    """Changes a picture so little that nobody sees it and so cleverly that the network takes it for something else."""

    name = "attack"
    needs = ("Attackable",)
    default = "classifier.imagenet"
    measures_model = False

    def __init__(self, model: str | Path | nn.Module | None = None) -> None:
        super().__init__(model)
        known = isinstance(self.model, (Classifier, *ATTACKS))
        known or reject("attack works on a Classifier, a Segmenter, a Detector or a Captioner.", name_of(self.model))

    def run(
        self,
        image: Image,
        *,
        target: str | None = None,
        method: Method = "pgd",
        eps: Annotated[float, Range(0, 1)] = 0.007,
        steps: Annotated[int, Range(1, 10_000)] = 40,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> AdversarialExample:
        """Deceive the network with one image; the saved file deceives it too.

        Args:
            image: what it is shown; the middle square counts
            target: what it, or every pixel or thing of it, shall be taken for, or its whole caption; default: anything
                else, of things: nothing
            method: fgsm and pgd go along the gradient, square asks for answers only; deepfool and carlini_wagner
                find the least perturbation by themselves
            eps: largest perturbation of a value between 0 and 1, rounded down to 8 bits; of pgd_l2, the root of the mean square
            steps: gradient steps; of square, 25 queries each
            seed: start of the randomness
        """
        x = self.inputs([image])
        for capability, attack in ATTACKS.items():
            if isinstance(self.model, capability):
                return attack(self.model, x, target=target, method=method, eps=eps, steps=steps, seed=seed)
        with torch.no_grad():
            before = self.model.logits(x).softmax(1)[0]
        answer = int(before.argmax())
        wanted = class_index(self.classes, target) if target is not None else answer
        if target is not None and wanted == answer:
            reject(f"The network takes the image for {self.classes[answer]} already; name another target.", target)
        y = torch.tensor([wanted], device=x.device)
        found = attack_in_8_bits(
            self.model, x, y, eps, method=method, targeted=target is not None, steps=steps, seed=seed
        )
        adversarial = Image.from_tensor(found[0])
        again = read_back(adversarial, x.shape[1]).to(x.device)[None]  # what is judged is what is saved
        perturbation = magnify((again - x)[0])
        with torch.no_grad():
            alone, after = self.model.logits(torch.cat([perturbation[None], again])).softmax(1)

        def describe(image: Tensor, shares: Tensor) -> Answer:
            own = int(shares.argmax())
            cells = self.classes[own], shares[own].item(), shares[wanted].item()
            return Answer(image[0], describe_answer(shares, self.classes), cells)

        return compare(
            x, again, describe(x, before), describe(again, after),
            ("answer", "probability", f"of {self.classes[wanted]}"), method=method,
            effect=describe_answer(alone, self.classes),
        )  # fmt: skip

    @task
    def transfer(
        self,
        images: list[Image],
        *,
        other: str | None = None,
        eps: Annotated[float, Range(0, 1)] = 0.03,
        steps: Annotated[int, Range(1, 10_000)] = 40,
    ) -> Table:
        """Whose adversarial examples deceive whom: success rates, beside random noise of that size.

        Args:
            images: images, or folders of them
            other: another model with the same classes and image size; default: EfficientNet-Lite0
            eps: largest perturbation of a value between 0 and 1
            steps: gradient steps
        """
        self.require_classifier()
        second = (load_model(other) if other is not None else second_network()).to(self.device)
        for what in ("input_shape", "classes"):
            mine, its = getattr(self.model, what), getattr(second, what, None)
            if mine != its and list(mine) != list(its or ()):
                reject(f"Both models must have the same {what.replace('_', ' ')}.", other or "EfficientNet-Lite0")
        x = self.inputs(images)
        first, last = name_of(self.model), name_of(second)
        models = {first: self.model, last if last != first else f"{last} (other)": second}
        answers = {name: predict(model, x) for name, model in models.items()}
        noise = (x + eps * random_signs(RandomStream(0), *x.shape).to(x)).clamp(0, 1)
        examples = {
            f"against {name}": attack_in_minibatches(partial(pgd, model, eps=eps, steps=steps), x, answers[name])
            for name, model in models.items()
        }
        rows = [
            (origin, *(success_rate(model, perturbed, answers[name]) for name, model in models.items()))
            for origin, perturbed in [*examples.items(), ("random noise", noise)]
        ]
        return Table(("perturbation", *(f"success rate on {name}" for name in models)), rows)

    @task
    def universal(
        self,
        images: list[Image],
        *,
        eps: Annotated[float, Range(0, 1)] = 0.04,
        epochs: Annotated[int, Range(1, 1000)] = 10,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> UniversalPerturbation:
        """One perturbation for all images: made from every other image, judged on the rest.

        Args:
            images: images, or folders of them; at least two
            eps: largest perturbation of a value between 0 and 1
            epochs: passes over the images
            seed: start of the randomness
        """
        self.require_classifier()
        len(images) >= 2 or reject("At least two images are needed, to learn from and to judge.", len(images))
        x = self.inputs(images)
        y = predict(self.model, x)
        perturbation = universal_perturbation(self.model, x[::2], y[::2], eps, epochs=epochs, seed=seed)
        noise = eps * random_signs(RandomStream(seed), *perturbation.shape).to(x)
        rows = []
        for name, delta in (("universal", perturbation), ("random noise", noise)):
            rates = [
                success_rate(self.model, (part + delta).clamp(0, 1), answers)
                for part, answers in ((x[::2], y[::2]), (x[1::2], y[1::2]))
            ]
            rows.append((name, *rates))
        made_from, others = (
            f"success rate on the {n}" for n in (f"{len(x[::2])} it was made from", f"{len(x[1::2])} others")
        )
        return UniversalPerturbation(
            Image(to_pixels(magnify(perturbation))), Table(("perturbation", made_from, others), rows)
        )

    @task
    def robustness(self, images: list[Image], *, steps: Annotated[int, Range(1, 10_000)] = 10) -> Chart:
        """Which share of its answers the network keeps, over the size of the perturbation, which is not rounded to 8 bits.

        Args:
            images: images, or folders of them
            steps: gradient steps of PGD
        """
        self.require_classifier()
        x = self.inputs(images)
        y = predict(self.model, x)
        names = ("random noise", "FGSM", f"PGD, {steps} steps")
        lines: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
        for size in SIZES:
            eps = size / 255
            perturbed = (
                robustness.perturb_at_random(self.model, x, y, eps, draws=1),
                attack_in_minibatches(partial(fgsm, self.model, eps=eps), x, y),
                attack_in_minibatches(partial(pgd, self.model, eps=eps, steps=steps), x, y),
            )
            for line, changed in zip(lines.values(), perturbed, strict=True):
                line.append((float(size), 1 - success_rate(self.model, changed, y)))
        return Chart(lines, x="largest perturbation of a value, of 255", y="share of answers kept", log_x=True)

    def evaluate(self) -> dict[str, float]:
        """Accuracies of the digits' network and of the adversarially trained one under attack, on 1,000 test digits, ε 0.3."""
        return robustness.accuracies_under_attack(robustness.digits())

    def baselines(self) -> dict[str, float]:
        return robustness.accuracies_under_noise(robustness.digits())

    def examples(self) -> list[Example]:
        """The panda of the slide; of foolbox's twenty photographs the first ones; of other models their own."""
        if isinstance(self.model, Segmenter):
            ground = self.model.classes[0]
            return [Example(f"All of it becomes {ground}", image=sample("face-15"), target=ground, eps=0.02)]
        if isinstance(self.model, Detector) and "sheep" in self.classes:
            return [Example("The sheep vanishes", image=sample("sheep"), eps=0.02)]
        if isinstance(self.model, Detector):
            return [
                Example("What was found vanishes", image=one.inputs["image"], eps=0.03)
                for one in self.list_own_examples()[:1]
            ]
        if isinstance(self.model, Captioner):
            (target,) = self.model.caption(self.inputs([sample("sheep")]))
            return [
                Example("The koala gets the sheep's caption", image=sample("koala"), target=target, eps=0.02),
                Example("The koala's caption becomes any other", image=sample("koala"), eps=0.02),
            ]
        if not {"giant panda", "gibbon", "toaster"} <= set(self.classes):
            return self.examples_of_its_own()
        photos = [sample(f"imagenet-{number}") for number in range(8)]
        return [
            Example("The slide: a giant panda becomes a gibbon", image=sample("panda"), target="gibbon"),
            Example("The cat becomes a toaster", image=sample("cat"), target="toaster"),
            Example("One step along the sign of the gradient", image=sample("panda"), method="fgsm"),
            Example(
                "Whose adversarial examples deceive whom, of four photos", task="transfer", images=photos[:4], steps=10
            ),
            Example("How much does it take? Less than one step of 255", task="robustness", images=photos, steps=5),
        ]

    def examples_of_its_own(self) -> list[Example]:
        """For a classifier of other things than ImageNet's: the pictures that its own examples show, if it has any."""
        shown = self.list_own_examples()
        eps = 0.1 if self.model.input_shape[0] == 1 else 0.03  # white on black withstands more
        attacks = [Example(one.caption, image=one.inputs["image"], eps=eps) for one in shown]
        images = [one.inputs["image"] for one in shown]
        return [*attacks, Example("How much does it take?", task="robustness", images=images)] if images else []

    def list_own_examples(self) -> list[Example]:
        """The examples of the model's own ``run`` on an image, if it has any."""
        own = self.model.examples() if isinstance(self.model, System) else []
        return [example for example in own if example.task == "run" and isinstance(example.inputs.get("image"), Image)]

    # Between images and tensors

    def require_classifier(self) -> None:
        """Raise UserError where the model gives no answer for a whole image."""
        isinstance(self.model, Classifier) or reject(
            "This task is for a classifier; of any other model one image is attacked.", name_of(self.model)
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """What the network tells apart."""
        return tuple(self.model.classes)

    def inputs(self, images: Any) -> Tensor:
        """Images as the network takes them: (B, C, H, W) in steps of 1/255."""
        images or reject("At least one image is needed.", "none")
        channels, height, width = self.model.input_shape
        height == width or reject("The network must take square images.", f"{height} × {width}")
        own = getattr(self.model, "inputs", None)  # a system may know more, such as that digits are light on dark
        x = own(list(images)) if own else torch.stack([image.tensor(height, channels) for image in images])
        return (255 * x).round().div(255).contiguous(memory_format=torch.channels_last).to(self.device)


def read_back(image: Image, channels: int) -> Tensor:
    """The image (C, H, W) that a network gets from the saved file."""
    saved = Image.from_pil(PIL.Image.open(io.BytesIO(image.encode(".png"))))
    return saved.tensor(None, channels)


def name_of(model: Any) -> str:
    """What a model is called in a table."""
    name = getattr(model, "name", type(model).__name__)
    tag = getattr(getattr(model, "config", None), "dataset", "")
    return f"{name}.{tag}" if tag else str(name)
