"""Latent spaces as a probe: walks, diagrams, analogies and attribute vectors, on any generator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import torch

from potmeter.core.probe import Probe
from potmeter.core.signature import Choice, Range, task
from potmeter.core.system import Example
from potmeter.data.samples import sample
from potmeter.errors import reject
from potmeter.media import Image, Table
from potmeter.media.image_grid import image_grid, walk_video
from potmeter.media.labelled_page import labelled_page
from potmeter.nn.interpolation import interpolate_path

from . import diagrams
from .library import Library, load_vector
from .measure import load_face_classifier, measure_codes, measure_pixels
from .planted_correlation import AGREEMENT
from .results import AttributeVector, VectorFile, Walk
from .space import Interpolation, Space
from .strips import SIDE, caption_cells, coefficient_strip
from .vectors import is_vector_file

Method = Literal["mean", "svm"]
Coefficient = Annotated[float, Range(-10, 10)]
Seed = Annotated[int, Range(0, 2**31)]
SpaceName = Annotated[str, Choice("latent_spaces")]


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
        classifier: str | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Image:
        """Take an attribute away from a picture and give it more of it, step by step.

        Args:
            image: the picture; default: a sampled one
            attribute: smiling, glasses, bearded … as the labelled pictures call it, or the file of a vector
            balance: an attribute that shall not change along, though it correlates with the first
            method: mean, the difference of two means; or svm, the normal of a separating plane
            low: the vector's coefficient on the left
            high: and on the right; 1 is the step from the mean picture without to the mean picture with, or one standard
                deviation where the two overlap and that is longer
            steps: how many pictures
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            classifier: what labels sampled pictures, where it cannot encode quickly; default: a shipped one of its data
            space: the latent space; default: the generator's usual one, or that of the vector's file
            seed: start of the random numbers for the sampled picture
        """
        if space is None and is_vector_file(attribute):  # which brings its own
            space = load_vector(attribute, self.model).space
        library, where = self.library(space), self.space(space)
        code = where.codes(None if image is None else [image], 1, seed)[0]
        found = library.get(attribute, balance, method, data, classifier)
        given = [] if image is None else caption_cells(where.inputs([image]), ["given"])
        return labelled_page(
            [(found.attribute, [*given, *coefficient_strip(where, code, found.tensor(code), low, high, steps)])]
        )

    @task
    @torch.no_grad()
    def vector(
        self,
        attribute: str = "smiling",
        *,
        balance: str | None = None,
        method: Method = "mean",
        data: str | None = None,
        classifier: str | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> AttributeVector:
        """Make the vector of an attribute, to be kept as a file and given to ``--attribute`` again.

        Args:
            attribute: its name, as the labelled pictures call it
            balance: an attribute that shall not change along, though it correlates with the first
            method: mean, the difference of two means; or svm, the normal of a separating plane
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            classifier: what labels sampled pictures, where it cannot encode quickly; default: a shipped one of its data
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers for the sampled picture
        """
        where, found = self.space(space), self.library(space).make_vector(attribute, balance, method, data, classifier)
        code = where.sample(1, seed)[0]
        return AttributeVector(
            labelled_page([(found.attribute, coefficient_strip(where, code, found.tensor(code), -1, 2, 7))]),
            VectorFile(found.text()),
        )

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
        classifier: str | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Image:
        """What a vector learns from pictures in which two attributes go together, and how balancing mends it.

        Args:
            image: the picture; default: a sampled one
            attribute: what the vector shall change
            other: what it shall not change; in 9 of 10 pictures that both vectors are made of, it agrees with the first
            low: the vectors' coefficient on the left
            high: and on the right
            steps: how many pictures
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            classifier: what labels sampled pictures, where it cannot encode quickly; default: a shipped one of its data
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers for the sampled picture
        """
        where = self.space(space)
        code = where.codes(None if image is None else [image], 1, seed)[0]
        biased, balanced = self.library(space).planted_pair(attribute, other, data, classifier)
        rows = {
            f"{attribute}, where {AGREEMENT:.0%} agree with {other}": biased,
            f"the same, balanced by {other}": balanced,
        }
        return labelled_page(
            [(name, coefficient_strip(where, code, v.tensor(code), low, high, steps)) for name, v in rows.items()]
        )

    @task
    @torch.no_grad()
    def attributes(
        self, *, data: str | None = None, classifier: str | None = None, space: SpaceName | None = None
    ) -> Table:
        """What there are vectors for, and the share of pictures that have it.

        Args:
            data: labelled pictures, a named set or a folder; default: what the generator was trained on
            classifier: what labels sampled pictures, where it cannot encode quickly; default: a shipped one of its data
            space: the latent space; default: the generator's usual one
        """
        codes = self.library(space).labelled_codes(data, classifier)
        shares = codes.attributes.float().mean(0).tolist()
        return Table(("attribute", "share"), list(zip(codes.attribute_names, shares, strict=True)))

    @task
    @torch.no_grad()
    def walk(
        self,
        images: list[Image] | None = None,
        *,
        stops: Annotated[int, Range(2, 20)] = 3,
        frames: Annotated[int, Range(2, 120)] = 24,
        interpolation: Interpolation | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Walk:
        """Walk from picture to picture, and back.

        Args:
            images: where the walk leads through, at least two; default: sampled ones
            stops: how many are sampled
            frames: pictures from each to the next
            interpolation: slerp, along the sphere that codes lie near, or lerp, straight; default: what fits the space
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers
        """
        images is None or len(images) >= 2 or reject("A walk leads through at least two pictures.", "one")
        where = self.space(space)
        codes = interpolate_path(where.codes(images, stops, seed), frames, interpolation or where.interpolation)
        pictures = where.decode(codes).cpu()
        some = torch.linspace(0, len(pictures) - 1, min(9, len(pictures))).round().long()
        return Walk(walk_video(pictures), image_grid(pictures[some], columns=len(some)))

    @task
    @torch.no_grad()
    def grid(
        self,
        images: list[Image] | None = None,
        *,
        rows: Annotated[int, Range(2, 8)] = 3,
        columns: Annotated[int, Range(2, 8)] = 4,
        between: Annotated[int, Range(0, 8)] = 2,
        interpolation: Interpolation | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Image:
        """Pictures on a grid, and what lies between them.

        Args:
            images: rows × columns of them, row by row; default: sampled ones
            rows: how many below each other
            columns: how many side by side
            between: pictures between two neighbours
            interpolation: slerp, along the sphere that codes lie near, or lerp, straight; default: what fits the space
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers
        """
        count = rows * columns
        given = len(images) if images is not None else count
        given == count or reject(f"A grid of {rows} × {columns} takes {count} pictures.", given)
        where = self.space(space)
        codes = diagrams.mine_grid(
            where.codes(images, count, seed), columns, between + 2, interpolation or where.interpolation
        )
        return image_grid(where.decode(codes).cpu(), columns=(columns - 1) * (between + 1) + 1, gap=1)

    @task
    @torch.no_grad()
    def jdiagram(
        self,
        a: Image | None = None,
        b: Image | None = None,
        c: Image | None = None,
        *,
        side: Annotated[int, Range(2, 16)] = 7,
        interpolation: Interpolation | None = None,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Image:
        """Three pictures in three corners, their analogy in the fourth, and what lies between (White's J-diagram).

        Args:
            a: upper left; default: sampled
            b: upper right
            c: lower left; the fourth is to it as b is to a
            side: pictures along each side
            interpolation: slerp, along the sphere that codes lie near, or lerp, straight; default: what fits the space
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers
        """
        where = self.space(space)
        codes = diagrams.jdiagram(*where.three_codes(a, b, c, seed), side, interpolation or where.interpolation)
        return image_grid(where.decode(codes).cpu(), columns=side, gap=1)

    @task
    @torch.no_grad()
    def analogy(
        self,
        a: Image | None = None,
        b: Image | None = None,
        c: Image | None = None,
        *,
        space: SpaceName | None = None,
        seed: Seed = 0,
    ) -> Image:
        """a is to b as c is to what?

        Args:
            a: a picture; default: sampled
            b: what differs from it
            c: what shall be changed in the same way
            space: the latent space; default: the generator's usual one
            seed: start of the random numbers
        """
        where = self.space(space)
        codes = where.three_codes(a, b, c, seed)
        four = where.decode(torch.stack([*codes, diagrams.analogy(*codes)]))
        shown = caption_cells(four, ("a", "is to b", "as c", "is to this"), 2 * SIDE)
        return labelled_page([("", shown[:2]), ("", shown[2:])])

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
        space: SpaceName | None = None,
    ) -> Image:
        """Source 1 : Source 2, applied to the target: the difference of two pictures, less and more of it.

        Args:
            source1: a picture
            source2: what differs from it
            target: what shall differ in the same way
            low: the difference's coefficient on the left
            high: and on the right; at 1 it is an analogy
            steps: how many pictures
            space: the latent space; default: the generator's usual one
        """
        where = self.space(space)
        x = where.inputs([source1, source2, target])
        one, two, three = where.encode(x)
        *sources, given = caption_cells(x, ("source 1", "source 2", "target"))
        below = [given, *coefficient_strip(where, three, two - one, low, high, steps)]
        return labelled_page([("Source 1 : Source 2", sources), ("applied to the target", below)])

    @task
    @torch.no_grad()
    def reconstruct(self, images: list[Image], *, space: SpaceName | None = None) -> Image:
        """Pictures (above) and what their codes decode to (below).

        Args:
            images: pictures, or folders of them
            space: the latent space; default: the generator's usual one
        """
        where = self.space(space)
        x = where.inputs(images)
        return image_grid(torch.cat([x, where.decode(where.encode(x))]).cpu(), columns=len(x))

    # Measuring

    @torch.no_grad()
    def evaluate(self, *, space: SpaceName | None = None) -> dict[str, float]:
        """Under a planted correlation of smile and styling: how often the smile flips, and the styling along with it.

        Args:
            space: the latent space; default: the generator's usual one
        """
        return measure_codes(self.space(space), self.face_classifier)

    @torch.no_grad()
    def baselines(self) -> dict[str, float]:
        """The same with pixels in place of codes."""
        return measure_pixels(self.space(), self.face_classifier)

    @cached_property
    def face_classifier(self) -> Any:
        """The classifier that says what changed."""
        return load_face_classifier(self.model)

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

    @property
    def latent_spaces(self) -> Mapping[str, int]:
        """Those of the generator."""
        return self.model.latent_spaces  # type: ignore[no-any-return]

    @cached_property
    def libraries(self) -> dict[str, Library]:
        """Each latent space's attribute vectors."""
        return {name: Library(Space(self.model, name)) for name in self.latent_spaces}

    def library(self, space: str | None = None) -> Library:
        """The attribute vectors of a latent space; default: the usual one."""
        return self.libraries[space or next(iter(self.latent_spaces))]

    def space(self, name: str | None = None) -> Space:
        """A latent space by its name; default: the usual one."""
        return self.library(name).space
