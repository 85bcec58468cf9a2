"""Drawings taken apart: the same picture painted with one colour for hair, one for skin, one for clothes.

An avatar of DiceBear is a tree of components and colours with names, an emoji of OpenMoji an SVG with named layers. Painting
each element in the code of what it is, in the order in which it is drawn, gives the mask with every overlap right.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np

BACKGROUND, HAIR, SKIN, CLOTHES = range(4)
"""The mask's values. Skin is the face with all that is in it and on it, glasses too; clothes are the rest
of what is worn."""
CODES = {HAIR: "#ff0000", SKIN: "#00ff00", CLOTHES: "#0000ff"}
"""The colours of a mask while it is painted."""

COMPONENTS = {
    **dict.fromkeys(("hair", "rearHair", "frontHair", "sideburns", "top", "beard", "facialHair", "mustache"), HAIR),
    **dict.fromkeys(("clothes", "clothesGraphic", "outfit", "hat", "hairAccessories"), CLOTHES),
}
"""What an avatar's components are; all others are parts of the body."""
WORN_COMPONENTS = (("miniavs", "body"), ("big-smile", "accessories"))
"""Components that are clothes in one style only: style and name."""
FACE = ("eyes", "eyebrows", "brows", "mouth", "nose")
"""Components that are the face's whatever they are painted with: brows have the hair's colour."""
COLOURS = {
    **dict.fromkeys(("skin", "base", "paperFace"), SKIN),
    **dict.fromkeys(("hair", "facialHair", "paperHair"), HAIR),
    **dict.fromkeys(("hat", "clothes", "clothing", "shirt", "jacket", "pants", "shoes"), CLOTHES),
    "hairAccessories": CLOTHES,
}
"""What is painted with an avatar's named colours, in any other component."""
WORN = re.compile(r"hat\d*$|hijab|turban|beanie|^cap$", re.IGNORECASE)
"""Variants of the hair that are worn."""
BALD = ("bald", "mrClean")
"""Those that are nothing but a light on the skin."""
UNTOUCHED = ("mask", "clipPath", "defs", "filter", "style")
"""Elements that shape others and are not painted themselves."""
SHADE = 0.5
"""What is more transparent is light or shade on something else, and no part of its own."""

Tree = dict[str, Any]


def mask_definition(style: str, definition: Tree) -> Tree:
    """A style's definition that draws masks: every element in the colour of its class.

    Args:
        style: Name of the style.
        definition: As ``dicebear-styles`` has it; it is not changed.
    """
    components = {}
    for name, component in definition["components"].items():
        of_all = CLOTHES if (style, name) in WORN_COMPONENTS else COMPONENTS.get(name, SKIN)
        variants = {}
        for variant, drawn in component.get("variants", {}).items():
            label = of_all
            if of_all == HAIR:
                label = CLOTHES if WORN.search(variant) else SKIN if variant in BALD else HAIR
            fixed = name in FACE or variant == "turban"  # which has the hair's colour too
            variants[variant] = drawn | {"elements": recode_all(drawn["elements"], label, fixed)}
        components[name] = component | ({"variants": variants} if variants else {})
    canvas = definition["canvas"] | {"elements": recode_all(definition["canvas"]["elements"], SKIN, False)}
    return definition | {"canvas": canvas, "components": components}


def recode_all(elements: list[Tree], label: int, fixed: bool) -> list[Tree]:
    """Elements in the colours of their classes, without those that are only light or shade."""
    return [recoded for element in elements if (recoded := recode(element, label, fixed)) is not None]


def recode(element: Tree, label: int, fixed: bool) -> Tree | None:
    """One element in the colour of its class; None for light and shade.

    Args:
        element: Of a style's definition.
        label: The class of its component.
        fixed: Whether that counts whatever named colour it is painted with.
    """
    if element["type"] != "element" or element.get("name") in UNTOUCHED:
        return element
    attributes = dict(element.get("attributes", {}))
    opacity = [float(attributes.pop(name, 1)) for name in ("opacity", "fill-opacity", "stroke-opacity")]
    if min(opacity) < SHADE or "blend" in str(attributes.get("style", "")):
        return None
    for name in ("fill", "stroke"):
        paint = attributes.get(name, "none")
        if paint != "none":
            named = paint.get("name") if isinstance(paint, dict) and not fixed else None
            attributes[name] = CODES[COLOURS.get(named or "", label)]
    children = {"children": recode_all(element["children"], label, fixed)} if "children" in element else {}
    return element | {"attributes": attributes} | children


# Emoji --------------------------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"
LAYERS = {"hair": HAIR, "skin": SKIN, "skin-shadow": SKIN, "color": CLOTHES, "color-foreground": CLOTHES}
"""OpenMoji's layers. What lies in ``color`` is clothes or anything else, so its mask says nothing (``VOID``)."""


def mask_emoji(svg: str) -> str | None:
    """An emoji's SVG painted as a mask, without its outlines; None where it has no hair."""
    root = ElementTree.fromstring(svg)  # of a package whose sum is verified
    hair = False
    for layer in list(root):
        label = LAYERS.get(layer.get("id", ""))
        if label is None:
            root.remove(layer)
            continue
        shapes = [shape for shape in layer.iter() if shape is not layer and shape.tag != f"{SVG}g"]
        hair |= label == HAIR and bool(shapes)
        for shape in shapes:
            for name in ("fill", "stroke"):
                if shape.get(name, "none") != "none":
                    shape.set(name, CODES[label])
    return ElementTree.tostring(root, encoding="unicode") if hair else None


# Pixels -------------------------------------------------------------------------------------------------------------


def read_mask(painted: np.ndarray) -> np.ndarray:
    """Class indices (H, W) of a painted mask (H, W, 4), uint8 with alpha: what covers most of each pixel."""
    alpha = painted[..., 3:].astype(np.float32) / 255
    shares = np.concatenate([1 - alpha, painted[..., :3] / np.float32(255) * alpha], axis=-1)  # (H, W, 4)
    return shares.argmax(-1).astype(np.uint8)
