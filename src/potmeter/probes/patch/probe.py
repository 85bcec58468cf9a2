"""The adversarial patch as a probe: see it at work, make one, print it, measure it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import PIL.Image
import torch
from torch import Tensor

from potmeter.core.capabilities import class_index
from potmeter.core.probe import Probe
from potmeter.core.random import RandomStream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.media import Bars, Image, Page, Result
from potmeter.probes.fusion import fuse_batch_norms
from potmeter.probes.second_network import second_network

from .artefact import PatchArtefact, load_patch, make_card
from .comparison import draw_comparison
from .expectation import fixed_placement, paste_patch
from .measure import best_control, measure_controls, measure_success
from .trainable_patch import TrainablePatch
from .training import RESIZE_RATIO, train_patch
from .trials import centre_squares, load_training_photos

PATCH_RESOLUTION = 5 / 7
"""Side of a new patch as a share of the shorter side of the network's pictures."""
PREVIEW_INTERVAL = 100
"""Training steps between two previews of the patch."""
DISPLAY_SIDE = 448
"""Pixels along the side of a photo with a patch, or somewhat more; the network's own where that takes more."""
PIXELS_PER_CM = 60
"""On paper: 152 to the inch."""
A4, A3 = (21.0, 29.7), (29.7, 42.0)

Share = Annotated[float, Range(0.01, 0.75)]
Place = Annotated[float, Range(0, 1)]
Angle = Annotated[float, Range(-180, 180)]


@dataclass(frozen=True)
class BeforeAfter(Result):
    """What a network sees without and with a patch."""

    picture: Image
    before: Bars
    after: Bars


class Patch(Probe):
    """A sticker that makes a network see what it says, whatever else is in the picture (Brown et al. 2017)."""

    name = "patch"
    needs = ("Classifier", "Attackable")
    default = "classifier.imagenet"

    @torch.no_grad()
    def run(
        self,
        photo: Image,
        *,
        patch: str = "toaster",
        share: Share = 0.25,
        x: Place = 0.9,
        y: Place = 0.9,
        angle: Angle = 0.0,
        top: Annotated[int, Range(1, 20)] = 5,
    ) -> BeforeAfter:
        """Put a patch on a photo, and say what the network sees before and after.

        Args:
            photo: the picture; the middle square counts
            patch: toaster, crab, the folder of one that was made, or any picture file
            share: of the photo's area that the patch covers
            x: its place, from 0 at the left edge to 1 at the right one
            y: its place, from 0 at the upper edge to 1 at the lower one
            angle: rotation in degrees, counter-clockwise
            top: how many classes to name
        """
        made = load_patch(patch)
        clean = self.crop_for_display(photo)
        patched = apply_patch(clean, made, share, x, y, angle)
        before, after = (self.bars(image, top) for image in (clean, patched))
        return BeforeAfter(draw_comparison(clean, patched, before, after, made.target), before, after)

    @task
    @torch.no_grad()
    def paste(
        self,
        photo: Image,
        *,
        patch: str = "toaster",
        share: Share = 0.25,
        x: Place = 0.9,
        y: Place = 0.9,
        angle: Angle = 0.0,
    ) -> Image:
        """A photo with a patch pasted in, to be shown to any other network.

        Args:
            photo: the picture; the middle square counts
            patch: toaster, crab, the folder of one that was made, or any picture file
            share: of the photo's area that the patch covers
            x: its place, from 0 at the left edge to 1 at the right one
            y: its place, from 0 at the upper edge to 1 at the lower one
            angle: rotation in degrees, counter-clockwise
        """
        return apply_patch(self.crop_for_display(photo), load_patch(patch), share, x, y, angle)

    @task
    def make(
        self,
        photos: list[Image] | None = None,
        *,
        target: str = "toaster",
        steps: Annotated[int, Range(1, 10**6)] = 600,
        disguise: Image | None = None,
        eps: Annotated[float, Range(0.02, 1)] = 0.4,
        start: Image | None = None,
        seed: Annotated[int, Range(0, 2**31)] = 0,
    ) -> Iterator[PatchArtefact]:
        """Train a patch for any class, on photos with it in any place, size, rotation and light.

        Args:
            photos: what to train on, or folders of them; default: GCompris's 57 animal photos
            target: the class that the network shall see
            steps: training steps; a hundred give an effect, a thousand a good one
            disguise: a picture that the patch shall look like
            eps: largest change of an ink's coverage from the disguise's, where there is one; 1 = any
            start: a patch to go on from, such as one of a run that was cut off
            seed: start of the random numbers
        """
        number, shape = class_index(self.model.classes, target), self.model.input_shape
        crops = centre_squares(load_training_photos() if photos is None else photos, shape, RESIZE_RATIO)
        size = max(8, round(PATCH_RESOLUTION * min(shape[1:])))
        disguise_pixels, initial = (None if image is None else image.tensor(size) for image in (disguise, start))
        eps = eps if disguise is not None else 1.0
        patch = TrainablePatch(size, disguise_pixels, eps, initial).to(self.device)
        facts = {
            "target": target,
            "model": getattr(self.model, "name", type(self.model).__name__),
            "photos": "GCompris" if photos is None else "own photos",
            "disguise_eps": eps if disguise is not None else None,
        }
        return self.previews(patch, crops, number, facts, steps, seed)

    def previews(
        self, patch: TrainablePatch, photos: Tensor, target: int, facts: dict[str, Any], steps: int, seed: int
    ) -> Iterator[PatchArtefact]:
        """The patch as it becomes better, each with its card."""
        started, every = time.monotonic(), min(PREVIEW_INTERVAL, steps)
        previews = train_patch(
            fuse_batch_norms(self.model), patch, photos, target, steps=steps, every=every, rng=RandomStream(seed)
        )
        for step, pixels in previews:
            training = {
                "seed": seed,
                "steps": step,
                "seconds": round(time.monotonic() - started, 1),
                "device": str(self.device),
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
            }
            told = {key: value for key, value in facts.items() if value is not None}
            yield PatchArtefact(Image.from_tensor(pixels.cpu()), make_card(told | {"training": training}))

    @task
    def pdf(self, *, patch: str = "toaster", cm: Annotated[float, Range(1, 28)] = 12.0) -> Page:
        """A page with the patch at its physical size, to print, cut out, and lay beside something.

        Args:
            patch: toaster, crab, the folder of one that was made, or any picture file
            cm: its diameter on paper in centimetres; above 20 the page is A3
        """
        made, side = load_patch(patch), max(2, round(cm * PIXELS_PER_CM))
        fine = made.patch.pil().resize((side, side), PIL.Image.Resampling.BICUBIC)
        note = f"{made.target or 'a patch'}, {cm:g} cm"
        return Page(Image.from_pil(fine), cm, note, A4 if cm <= A4[0] - 1 else A3)

    # Measuring

    def evaluate(self) -> dict[str, float]:
        """Shares of trials taken for a toaster: each test photo in random places, rotations and lights, 8-bit."""
        number, model, toaster = (
            class_index(self.model.classes, "toaster"),
            fuse_batch_norms(self.model),
            load_patch("toaster").pixels,
        )
        disguised = measure_success(model, load_patch("crab").pixels, number, (0.25,))
        transferred = measure_success(second_network(), toaster, number, (0.25,))
        return {
            **measure_success(model, toaster, number),
            "control_success_25": best_control(self.controls),
            "transfer_success_25": transferred["success_25"],
            "disguised_success_25": disguised["success_25"],
        }

    def baselines(self) -> dict[str, float]:
        """The same trials with the best of five plain pictures, and with no patch at all."""
        return {"control_success_25": best_control(self.controls), "no_patch_success_25": self.controls["none"]}

    @cached_property
    def controls(self) -> dict[str, float]:
        """What plain pictures reach, measured once."""
        return measure_controls(fuse_batch_norms(self.model), class_index(self.model.classes, "toaster"))

    def examples(self) -> list[Example]:
        return [
            Example("A cup of coffee, and a toaster that takes a quarter of the picture", photo=sample("coffee")),
            Example("A tenth of the picture is often enough", photo=sample("cat"), share=0.1),
            Example("In disguise: a crab to us, a toaster to the network", photo=sample("coffee"), patch="crab"),
            Example("To print, cut out, and lay beside a banana", task="pdf"),
        ]

    # Small parts

    def crop_for_display(self, photo: Image) -> Image:
        """A photo as it is displayed: the part that the network sees, at a size for people."""
        _, height, width = self.model.input_shape
        factor = max(1, -(-DISPLAY_SIDE // min(height, width)))
        return Image.from_tensor(centre_squares([photo], (3, factor * height, factor * width))[0] / 255)

    def bars(self, photo: Image, top: int) -> Bars:
        """The likeliest classes of a photo."""
        x = centre_squares([photo], self.model.input_shape).to(self.device) / 255
        shares, numbers = self.model.logits(x)[0].softmax(0).topk(min(top, len(self.model.classes)))
        named = zip(shares.tolist(), numbers.tolist(), strict=True)
        return Bars({self.model.classes[number]: share for share, number in named})


def apply_patch(photo: Image, made: PatchArtefact, share: float, x: float, y: float, angle: float) -> Image:
    """A photo with a patch in one place, as an 8-bit picture."""
    return Image.from_tensor(paste_patch(photo.tensor()[None], made.pixels, fixed_placement(share, x, y, angle))[0])
