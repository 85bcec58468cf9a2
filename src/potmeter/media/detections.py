"""Things found in pictures: names, probabilities, boxes and masks, drawn over the picture or saved as COCO's JSON."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import reject
from potmeter.media.image import Image
from potmeter.media.labels import palette
from potmeter.media.medium import Medium, data_uri
from potmeter.media.run_lengths import encode_run_lengths

if TYPE_CHECKING:
    import numpy as np
    import PIL.ImageDraw
    from torch import Tensor

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""
OPACITY = 0.45
"""Of a mask's colour."""


@dataclass(frozen=True, eq=False)
class Detection:
    """A thing that was found in a picture.

    Args:
        name: Of its class.
        score: Its probability.
        box: x₁, y₁, x₂, y₂ in pixels.
        mask: bool (h, w), the pixels that are the thing's, from ``corner`` on; beyond them none is.
        corner: Column and row of the mask's first pixel.
    """

    name: str
    score: float
    box: tuple[float, float, float, float]
    mask: np.ndarray
    corner: tuple[int, int]

    def whole_mask(self, width: int, height: int) -> np.ndarray:
        """The mask in the pixels (height, width) of the picture."""
        import numpy as np

        whole = np.zeros((height, width), bool)
        left, top = self.corner
        whole[top : top + self.mask.shape[0], left : left + self.mask.shape[1]] = self.mask
        return whole


@dataclass(frozen=True, eq=False)
class Detections(Medium):
    """Things that were found in a picture, the likeliest first.

    Args:
        picture: In which.
        things: What.
        names: Of all classes that could have been found, in the order of COCO's category ids, from 1 on.

    Raises:
        UserError: For a thing of no known class, or whose mask does not lie in the picture.
    """

    picture: Image
    things: tuple[Detection, ...]
    names: tuple[str, ...]

    suffix = ".png"
    formats = (".png", ".jpg", ".webp", ".json")
    noun = "a picture with its things"

    def __post_init__(self) -> None:
        width, height = self.picture.size
        for thing in self.things:
            thing.name in self.names or reject("A thing is of a known class.", thing.name)
            (left, top), (h, w) = thing.corner, thing.mask.shape
            inside = left >= 0 and top >= 0 and left + w <= width and top + h <= height
            inside or reject("A thing's mask lies in the picture.", (thing.corner, thing.mask.shape))

    @classmethod
    def from_tensors(
        cls, picture: Image, boxes: Tensor, labels: Tensor, scores: Tensor, masks: Tensor, names: tuple[str, ...],
        *, score: float = 0.5,
    ) -> Detections:  # fmt: skip
        """What a detector gives for a picture.

        Args:
            picture: In which.
            boxes: (N, 4), x₁, y₁, x₂, y₂ in pixels.
            labels: (N,), from 1 on.
            scores: (N,), the largest first.
            masks: (N, H, W), the probability that a pixel is the thing's.
            names: Of the classes.
            score: Probability from which a thing counts.
        """
        things = [
            Detection(names[int(label) - 1], float(probability), tuple(box.tolist()), mask.cpu().numpy() >= 0.5, (0, 0))
            for box, label, probability, mask in zip(boxes, labels, scores, masks, strict=True)
            if probability >= score
        ]
        return cls(picture, tuple(things), names)

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each class that was found, the most frequent first."""
        return dict(Counter(thing.name for thing in self.things).most_common())

    def draw(self) -> Image:
        """The picture with masks, boxes, names and probabilities; a colour for each class."""
        import numpy as np
        import PIL.Image
        import PIL.ImageDraw

        pixels = self.picture.pixels.copy()
        colours = dict(zip(self.names, palette(len(self.names) + 1)[1:], strict=True))
        for thing in reversed(self.things):  # the likeliest on top
            left, top = thing.corner
            place = pixels[top : top + thing.mask.shape[0], left : left + thing.mask.shape[1]]
            colour = np.array(colours[thing.name], np.float32)
            place[thing.mask] = ((1 - OPACITY) * place[thing.mask] + OPACITY * colour).round().astype(np.uint8)
            place[outline(thing.mask, self.thickness)] = colour.astype(np.uint8)
        canvas = PIL.Image.fromarray(pixels)
        pen = PIL.ImageDraw.Draw(canvas)
        taken: list[Box] = []
        for thing in self.things:  # the likeliest gets its place first
            taken.append(self.place_label(pen, thing, taken))
        for thing, spot in reversed([*zip(self.things, taken, strict=True)]):
            pen.rectangle(thing.box, outline=colours[thing.name], width=self.thickness)
            self.draw_label(pen, thing, spot, colours[thing.name])
        return Image(np.array(canvas))

    @property
    def thickness(self) -> int:
        """Pixels of lines, more on larger pictures."""
        return max(1, round(max(self.picture.size) / 500))

    @property
    def text_size(self) -> int:
        """Of the labels, in pixels."""
        width, height = self.picture.size
        return min(max(11, round(max(width, height) / 40)), max(11, width // 8))

    def place_label(self, pen: PIL.ImageDraw.ImageDraw, thing: Detection, taken: list[Box]) -> Box:
        """Where a thing's label stands: on its box or, where there is one already, ``taken``, below that within the box."""
        import PIL.ImageFont

        width, height = self.picture.size
        x0, y0, x1, y1 = pen.textbbox((0, 0), label(thing), font=PIL.ImageFont.load_default(self.text_size))
        margin = max(2, self.text_size // 5)
        w, h = round(x1 - x0) + 2 * margin, round(y1 - y0) + 2 * margin
        x = min(max(0, round(thing.box[0])), max(0, round(width - w)))
        y = start = (
            round(thing.box[1] - h) if thing.box[1] >= h else min(round(thing.box[1]), max(0, round(height - h)))
        )
        for left, top, right, bottom in sorted(taken, key=lambda place: place[1]):  # from the highest one down
            if x <= right and left <= x + w and y <= bottom and top <= y + h:
                y = bottom + 1
        y = y if y + h <= min(height, thing.box[3]) else start  # else it would not be on its thing
        return x, y, x + w, y + h

    def draw_label(
        self, pen: PIL.ImageDraw.ImageDraw, thing: Detection, place: Box, colour: tuple[int, int, int]
    ) -> None:
        """A thing's name and probability."""
        import PIL.ImageFont

        font, margin = PIL.ImageFont.load_default(self.text_size), max(2, self.text_size // 5)
        x0, y0, _, _ = pen.textbbox((0, 0), label(thing), font=font)
        pen.rectangle(place, fill=colour)
        dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 140
        spot = (place[0] + margin - x0, place[1] + margin - y0)
        pen.text(spot, label(thing), font=font, fill="white" if dark else "black")

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        if suffix == ".json":
            return CocoResults.gather([(self.picture.name or "picture", self)], self.names).encode(suffix)
        return self.draw().encode(suffix)

    def html(self) -> str:
        found = ", ".join(f"{count} {html.escape(name)}" for name, count in self.counts.items()) or "nothing"
        width, height = self.picture.size
        small = ' class="pixelated"' if max(width, height) < 256 else ""
        image = f'<img{small} width="{width}" height="{height}" alt="" src="{data_uri(self.draw(), ".png")}">'
        return f"<div>{image}<div>found: {found}</div></div>"

    def json(self) -> dict[str, Any]:
        things = [
            {
                "name": thing.name,
                "score": round(thing.score, 6),
                "box": [round(side, 2) for side in thing.box],
                "area": int(thing.mask.sum()),
            }
            for thing in self.things
        ]
        return {"width": self.picture.size[0], "height": self.picture.size[1], "things": things}


def label(thing: Detection) -> str:
    """What is written on a thing."""
    return f"{thing.name} {100 * thing.score:.0f} %"


def outline(mask: np.ndarray, thickness: int) -> np.ndarray:
    """The pixels of a mask (h, w) that are at most so far from its edge."""
    from scipy.ndimage import binary_erosion

    return mask & ~binary_erosion(mask, iterations=thickness)


@dataclass(frozen=True, eq=False)
class CocoResults(Medium):
    """Things found in many pictures, as COCO's JSON: ``annotations`` is its list of results, with ``score`` and run lengths.

    ``images`` and ``categories`` stand beside it, so that the file is a data set that can be trained on. Where all files'
    names are numbers, as COCO's own are, these are the images' ids; else they are counted from 1.

    Args:
        content: As gathered by ``gather``.
    """

    content: dict[str, list[dict[str, Any]]]

    suffix = ".json"
    formats = (".json",)
    noun = "a list of things found"

    @classmethod
    def gather(cls, pictures: Iterable[tuple[str, Detections]], names: tuple[str, ...]) -> CocoResults:
        """What was found in pictures, each with its file's name; no more than one is held in memory at once."""
        images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
        for number, (name, found) in enumerate(pictures, 1):
            width, height = found.picture.size
            images.append({"id": number, "file_name": name, "width": width, "height": height})
            for thing in found.things:
                x, y, right, bottom = thing.box
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": names.index(thing.name) + 1,
                        "bbox": [round(value, 2) for value in (x, y, right - x, bottom - y)],
                        "area": int(thing.mask.sum()),
                        "iscrowd": 0,
                        "score": round(thing.score, 6),
                        "segmentation": encode_run_lengths(thing.whole_mask(width, height)),
                    }
                )
        stems = [Path(image["file_name"]).stem for image in images]
        if all(stem.isdecimal() and stem.isascii() and len(stem) < 16 for stem in stems) and len(
            {int(stem) for stem in stems}
        ) == len(stems):
            ids = {image["id"]: int(stem) for image, stem in zip(images, stems, strict=True)}
            images = [image | {"id": ids[image["id"]]} for image in images]
            annotations = [each | {"image_id": ids[each["image_id"]]} for each in annotations]
        categories = [{"id": number, "name": name} for number, name in enumerate(names, 1)]
        return cls({"images": images, "categories": categories, "annotations": annotations})

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        return json.dumps(self.content, ensure_ascii=False).encode()

    def html(self) -> str:
        names = {category["id"]: category["name"] for category in self.content["categories"]}
        found: dict[int, Counter[str]] = {image["id"]: Counter() for image in self.content["images"]}
        for each in self.content["annotations"]:
            found[each["image_id"]][names[each["category_id"]]] += 1
        rows = "".join(
            f"<tr><td>{html.escape(image['file_name'])}</td><td>"
            + (", ".join(f"{n} {html.escape(name)}" for name, n in found[image["id"]].most_common()) or "nothing")
            + "</td></tr>"
            for image in self.content["images"]
        )
        return f"<table><tr><th>picture</th><th>found</th></tr>{rows}</table>"

    def json(self) -> dict[str, int]:
        return {"pictures": len(self.content["images"]), "things": len(self.content["annotations"])}
