"""Latent spaces as a probe: walks, diagrams, analogies and attribute vectors, on any generator."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

import torch
from torch import Tensor

from potmeter.core.capabilities import Encoder
from potmeter.core.load import load
from potmeter.core.probe import Probe
from potmeter.core.random import Stream
from potmeter.core.signature import Range, task
from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.errors import reject
from potmeter.media import Image, Table
from potmeter.nn.pages import page, shown
from potmeter.nn.paths import along
from potmeter.nn.sheets import as_inputs, sheet, walk

from . import diagrams
from .labelled import data_of, decoded, device_of, drawn, encoded, quick, shape_of
from .library import COUNT, DRAWN, Library
from .planted import AGREEMENT, Pixels, effects
from .results import Made, VectorFile, Walk

SIDE = 112
"""Pixels of a picture on a page."""
PLANTED = ("smiling", "feminine styling", ("smile", "styling"))
"""The attribute whose vectors are measured, the one that is made to correlate with it, and what figures call them."""
PARTS: tuple[Literal["train"], Literal["test"]] = ("train", "test")

Way = Literal["slerp", "lerp"]
Method = Literal["mean", "svm"]
Coefficient = Annotated[float, Range(-10, 10)]
Seed = Annotated[int, Range(0, 2**31)]


class Latents(Probe):
    """Moves about in a generator's latent space: what lies between two pictures, and which way is a smile."""

    name = "latents"
    needs = ("Generator",)
    default = "vae.faces"

    @torch.no_grad()
    def run(
        self,
        image: Image | None = None,
        *,
        attribute: str = "smiling",
        balance: str | None = None,
        method: Method = "mean",
        low: Coefficient = -1.0,
        high: Coefficient = 2.0,
        steps: Annotated[int, Range(2, 20)] = 7,
        data: str | None = None,
        judge: str = "classifier.faces",
        seed: Seed = 0,
    ) -> Image:
        """Take an attribute away from a picture and give it more of it, step by step.

        Args:
            image: the picture; default: one that is drawn
            attribute: smiling, glasses, bearded … as the labelled pictures call it, or the file of a vector
            balance: an attribute that shall not change along, though it correlates with the first
            method: mean, the difference of two means; or svm, the normal of a separating plane
            low: the vector's coefficient on the left
            high: and on the right; 1 is the step from the mean picture without to the mean picture with
            steps: how many pictures
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            judge: who labels drawn pictures, where the generator cannot encode quickly
            seed: start of the random numbers for the picture that is drawn
        """
        code = self.codes([image] if image is not None else None, 1, seed)
        found = self.library.get(attribute, balance, method, data, judge)
        strip = self.strip(code[0], found.tensor(code), low, high, steps)
        given = [] if image is None else [(shown(as_inputs([image], *self.form)[0], SIDE), "given")]
        return page([(found.attribute, [*given, *strip])])

    @task
    @torch.no_grad()
    def vector(
        self,
        attribute: str = "smiling",
        *,
        balance: str | None = None,
        method: Method = "mean",
        data: str | None = None,
        judge: str = "classifier.faces",
        seed: Seed = 0,
    ) -> Made:
        """Make the vector of an attribute, to be kept as a file and given to ``--attribute`` again.

        Args:
            attribute: its name, as the labelled pictures call it
            balance: an attribute that shall not change along, though it correlates with the first
            method: mean, the difference of two means; or svm, the normal of a separating plane
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            judge: who labels drawn pictures, where the generator cannot encode quickly
            seed: start of the random numbers for the picture that is drawn
        """
        found = self.library.made(attribute, balance, method, data, judge)
        code = self.codes(None, 1, seed)
        strip = self.strip(code[0], found.tensor(code), -1, 2, 7)
        return Made(page([(found.attribute, strip)]), VectorFile(found.text()))

    @task
    @torch.no_grad()
    def bias(
        self,
        image: Image | None = None,
        *,
        attribute: str = "smiling",
        other: str = "feminine styling",
        low: Coefficient = -1.0,
        high: Coefficient = 2.0,
        steps: Annotated[int, Range(2, 20)] = 7,
        data: str | None = None,
        judge: str = "classifier.faces",
        seed: Seed = 0,
    ) -> Image:
        """What a vector learns from pictures in which two attributes go together, and how balancing mends it.

        Args:
            image: the picture; default: one that is drawn
            attribute: what the vector shall change
            other: what it shall not change; in 9 of 10 pictures that both vectors are made of, it agrees with the first
            low: the vectors' coefficient on the left
            high: and on the right
            steps: how many pictures
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            judge: who labels drawn pictures, where the generator cannot encode quickly
            seed: start of the random numbers for the picture that is drawn
        """
        code = self.codes([image] if image is not None else None, 1, seed)
        biased, balanced = self.library.planted(attribute, other, data, judge)
        rows = {
            f"{attribute}, where {AGREEMENT:.0%} agree with {other}": biased,
            f"the same, balanced by {other}": balanced,
        }
        return page([(name, self.strip(code[0], v.tensor(code), low, high, steps)) for name, v in rows.items()])

    @task
    @torch.no_grad()
    def attributes(self, *, data: str | None = None, judge: str = "classifier.faces") -> Table:
        """What there are vectors for, and the share of pictures that have it.

        Args:
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            judge: who labels drawn pictures, where the generator cannot encode quickly
        """
        known = self.library.labelled(data, judge)
        shares = known.attributes.float().mean(0).tolist()
        return Table(("attribute", "share"), list(zip(known.known, shares, strict=True)))

    @task
    @torch.no_grad()
    def walk(
        self,
        images: list[Image] | None = None,
        *,
        stops: Annotated[int, Range(2, 20)] = 3,
        frames: Annotated[int, Range(2, 120)] = 24,
        way: Way = "slerp",
        seed: Seed = 0,
    ) -> Walk:
        """Walk from picture to picture, and back.

        Args:
            images: where the walk leads through, at least two; default: drawn ones
            stops: how many are drawn
            frames: pictures from each to the next
            way: slerp, along the sphere that codes lie near; or lerp, straight
            seed: start of the random numbers
        """
        images is None or len(images) >= 2 or reject("A walk leads through at least two pictures.", "one")
        way_codes = along(self.codes(images, stops, seed), frames, way)
        pictures = decoded(self.model, way_codes).cpu()
        some = torch.linspace(0, len(pictures) - 1, min(9, len(pictures))).round().long()
        return Walk(walk(pictures), sheet(pictures[some], columns=len(some)))

    @task
    @torch.no_grad()
    def grid(
        self,
        images: list[Image] | None = None,
        *,
        rows: Annotated[int, Range(2, 8)] = 3,
        columns: Annotated[int, Range(2, 8)] = 4,
        between: Annotated[int, Range(0, 8)] = 2,
        way: Way = "slerp",
        seed: Seed = 0,
    ) -> Image:
        """Pictures on a grid, and what lies between them.

        Args:
            images: rows × columns of them, row by row; default: drawn ones
            rows: how many below each other
            columns: how many side by side
            between: pictures between two neighbours
            way: slerp, along the sphere that codes lie near; or lerp, straight
            seed: start of the random numbers
        """
        count = rows * columns
        given = len(images) if images is not None else count
        given == count or reject(f"A grid of {rows} × {columns} takes {count} pictures.", given)
        codes = diagrams.mine(self.codes(images, count, seed), columns, between + 2, way)
        return sheet(decoded(self.model, codes).cpu(), columns=(columns - 1) * (between + 1) + 1, gap=1)

    @task
    @torch.no_grad()
    def jdiagram(
        self,
        a: Image | None = None,
        b: Image | None = None,
        c: Image | None = None,
        *,
        side: Annotated[int, Range(2, 16)] = 7,
        way: Way = "slerp",
        seed: Seed = 0,
    ) -> Image:
        """Three pictures in three corners, their analogy in the fourth, and what lies between (White's J-diagram).

        Args:
            a: upper left; default: drawn
            b: upper right
            c: lower left; the fourth is to it as b is to a
            side: pictures along each side
            way: slerp, along the sphere that codes lie near; or lerp, straight
            seed: start of the random numbers
        """
        codes = diagrams.jdiagram(*self.three(a, b, c, seed), side, way)
        return sheet(decoded(self.model, codes).cpu(), columns=side, gap=1)

    @task
    @torch.no_grad()
    def analogy(
        self, a: Image | None = None, b: Image | None = None, c: Image | None = None, *, seed: Seed = 0
    ) -> Image:
        """a is to b as c is to what?

        Args:
            a: a picture; default: drawn
            b: what differs from it
            c: what shall be changed in the same way
            seed: start of the random numbers
        """
        codes = self.three(a, b, c, seed)
        four = decoded(self.model, torch.stack([*codes, diagrams.analogy(*codes)])).cpu()
        cells = [
            (shown(x, 2 * SIDE), name) for x, name in zip(four, ("a", "is to b", "as c", "is to this"), strict=True)
        ]
        return page([("", cells[:2]), ("", cells[2:])])

    @task
    @torch.no_grad()
    def apply(
        self,
        source1: Image,
        source2: Image,
        target: Image,
        *,
        low: Coefficient = -1.0,
        high: Coefficient = 2.0,
        steps: Annotated[int, Range(2, 20)] = 7,
    ) -> Image:
        """Source 1 : Source 2, applied to the target: the difference of two pictures, less and more of it.

        Args:
            source1: a picture
            source2: what differs from it
            target: what shall differ in the same way
            low: the difference's coefficient on the left
            high: and on the right; at 1 it is an analogy
            steps: how many pictures
        """
        one, two, three = self.codes([source1, source2, target], 3, 0)
        first, second, third = (shown(x, SIDE) for x in as_inputs([source1, source2, target], *self.form))
        strip = self.strip(three, two - one, low, high, steps)
        above = [(first, "source 1"), (second, "source 2")]
        return page([("Source 1 : Source 2", above), ("applied to the target", [(third, "target"), *strip])])

    @task
    @torch.no_grad()
    def reconstruct(self, images: list[Image]) -> Image:
        """Pictures (above) and what their codes decode to (below).

        Args:
            images: pictures, or folders of them
        """
        x = as_inputs(images, *self.form)
        again = decoded(self.model, self.codes(images, len(images), 0)).cpu()
        return sheet(torch.cat([x, again]), columns=len(x))

    # Measuring

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Under a planted correlation of smile and styling: how often the smile flips, and the styling along with it."""
        if quick(self.model):
            splits = data_of(self.model, None)
            train, test = (encoded(self.model, splits, part, COUNT) for part in PARTS)
        else:
            train, test = (drawn(self.model, self.measuring, DRAWN, seed) for seed in (0, 1))
        return effects(self.model, self.measuring, train, test, *PLANTED)

    @torch.no_grad()
    def baselines(self) -> dict[str, float]:
        """The same with pixels in place of codes."""
        splits = data_of(self.model, None)
        pixels = Pixels(shape_of(self.model))
        train, test = (encoded(pixels, splits, part, DRAWN) for part in PARTS)
        found = effects(pixels, self.measuring, train, test, *PLANTED)
        return {f"pixels_{name}": value for name, value in found.items()}

    @cached_property
    def measuring(self) -> Any:
        """The classifier that judges, trained apart from every generator."""
        return load("classifier.faces")

    def examples(self) -> list[Example]:
        faces = {n: sample(f"face-{n}") for n in (4, 6, 9, 15, 18, 33, 54, 1464, 1344)}
        return [
            Example("Which way is a smile? Less of it on the left, more on the right", image=faces[15]),
            Example("A smile from faces in which smiles and styling go together, and balanced", task="bias", image=faces[18]),
            Example("Glasses", image=faces[33], attribute="glasses"),
            Example("What differs between two faces, on a third", task="apply", source1=faces[1464],
                    source2=faces[1344], target=faces[15]),
            Example("A walk through three faces", task="walk", images=[faces[15], faces[9], faces[6]]),
            Example("Three faces in three corners, their analogy in the fourth", task="jdiagram", a=faces[33], b=faces[54],
                    c=faces[15]),
            Example("Test faces, and what their codes decode to", task="reconstruct", images=list(faces.values())),
        ]  # fmt: skip

    # Small parts

    @cached_property
    def library(self) -> Library:
        """The model's attribute vectors."""
        return Library(self.model)

    @property
    def form(self) -> tuple[int, int]:
        """Side and channels of the generator's pictures. Raises UserError where they are not square."""
        channels, height, width = shape_of(self.model)
        height == width or reject("Pictures are given to generators of square ones only.", f"{height}×{width}")
        return height, channels

    def codes(self, images: list[Image] | tuple[Image, ...] | None, count: int, seed: int) -> Tensor:
        """Codes (N, d) of given pictures, or ``count`` from the prior."""
        device = device_of(self.model)
        if images is None:
            return self.model.sample(count, Stream(seed, device=device)).to(device)  # type: ignore[no-any-return]
        named = getattr(self.model, "name", type(self.model).__name__)
        isinstance(self.model, Encoder) or reject(f"{named} is no Encoder: it finds no code of a given picture.", named)
        x = as_inputs(images, *self.form, dark=self.form[1] == 1)
        return self.model.encode(x.to(device))  # type: ignore[no-any-return]

    def three(self, a: Image | None, b: Image | None, c: Image | None, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """Codes of three pictures; drawn in place of those that are missing."""
        spare = self.codes(None, 3, seed)
        one, two, three = (
            code if image is None else self.codes([image], 1, seed)[0]
            for code, image in zip(spare, (a, b, c), strict=True)
        )
        return one, two, three

    def strip(self, code: Tensor, step: Tensor, low: float, high: float, steps: int) -> list[tuple[Image, str]]:
        """A code with a step times ever larger coefficients, as pictures with their captions."""
        coefficients = torch.linspace(low, high, steps, device=code.device)
        pictures = decoded(self.model, code + coefficients[:, None] * step).cpu()
        captions = [f"{value:+.2g}" if abs(value) > 1e-6 else "0" for value in coefficients.tolist()]
        return [(shown(x, SIDE), caption) for x, caption in zip(pictures, captions, strict=True)]
