"""Colour profiles (ICC.1): a picture of another colour space becomes sRGB, as every viewer shows it."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import PIL.Image
    import PIL.ImageCms

MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's modes for the profiles' colour spaces."""


def convert_to_srgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """A Pillow picture in sRGB by the profile that its file embeds; its transparency stays.

    As in browsers, a picture without a profile is sRGB already, and so is one whose profile is damaged or for a colour
    space that the picture does not have.
    """
    profile = picture.info.get("icc_profile")
    found = find_transform(profile) if isinstance(profile, bytes) and profile else None
    if found is None:
        return picture
    mode, transform = found
    has_colour = picture.mode not in ("1", "L", "LA", "La")
    if (mode == "CMYK") != (picture.mode == "CMYK") or (mode == "L" and has_colour):
        return picture
    transparent = "transparency" in picture.info or "A" in picture.getbands() or "a" in picture.getbands()
    whole = picture.convert("RGBA") if transparent else picture
    alpha = whole.getchannel("A") if transparent else None
    converted = transform.apply(whole.convert(mode))
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


@functools.lru_cache(maxsize=16)
def find_transform(profile: bytes) -> tuple[str, PIL.ImageCms.ImageCmsTransform] | None:
    """The mode in which a profile takes pictures, and the transform to sRGB; None when the profile is not usable."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODES[source.profile.xcolor_space]
        return mode, ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError):
        return None
