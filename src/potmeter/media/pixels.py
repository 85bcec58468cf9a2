"""Values of any type as bytes: their range follows from the type or from the file's tags, and is never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from potmeter.errors import reject

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

ROUNDING = 1 / 510
"""By how much floats may lie outside of [0, 1]: half a step of 8 bits, which is not seen."""

BITS_PER_SAMPLE, SAMPLE_FORMAT, PHOTOMETRIC = 258, 339, 262
MAX_SAMPLE_VALUE, S_MIN_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 281, 340, 341
"""TIFF's tags (TIFF 6.0, sections 8 and 19)."""


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Values as bytes: uint8 as they are, uint16 from 0…65535, truth values as 0 and 255, floats from [0, 1].

    Raises:
        UserError: For floats out of [0, 1] or not finite, and for other integers, which say nothing of their range.
    """
    import numpy as np

    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    if values.dtype == np.uint16:
        return scale(values, 0, 65535)
    if values.dtype.kind == "f":
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        inside = -ROUNDING <= low and high <= 1 + ROUNDING  # False for NaN
        inside or reject(
            "A picture's floats lie in [0, 1]: scale or clip them, or give 0…255 as uint8.",
            f"{values.dtype} from {low:g} to {high:g}",
        )
        return scale(values.astype(np.float32), 0, 1)
    return reject("A picture's values are uint8, uint16, bool, or floats in [0, 1].", str(values.dtype))


def deep_grey_to_uint8(picture: PIL.Image.Image, name: str) -> np.ndarray:
    """A Pillow picture with one channel of more than 8 bits (modes ``I;16``, ``I``, ``F``) as bytes (H, W).

    Args:
        picture: As it was opened, with its tags.
        name: How an error calls it.

    Raises:
        UserError: When neither type nor tags tell which values are black and white, or there are values beyond these.
    """
    import numpy as np

    values = np.asarray(picture, np.float64)
    low, high = value_range(picture, name)
    least, most = float(values.min()), float(values.max())
    slack = ROUNDING * (high - low) if picture.mode == "F" else 0
    inside = low - slack <= least and most <= high + slack  # False for NaN
    inside or reject(f"The values of {name} should lie between {low:g} and {high:g}.", f"{least:g} to {most:g}")
    pixels = scale(values, low, high)
    white_is_zero = getattr(picture, "tag_v2", {}).get(PHOTOMETRIC) == 0
    return 255 - pixels if white_is_zero else pixels


def value_range(picture: PIL.Image.Image, name: str) -> tuple[float, float]:
    """Which values of a picture are black and white.

    Of a TIFF the tags say it: the largest value where it is given, else the number of bits, for unsigned integers of up to
    16 bits; of floats it is [0, 1] where nothing else is given. Other formats' integers Pillow scales to 16 bits.

    Raises:
        UserError: When nothing says it.
    """
    tags: Any = getattr(picture, "tag_v2", {})
    bits, signed = first(tags.get(BITS_PER_SAMPLE, 16)), first(tags.get(SAMPLE_FORMAT, 1)) == 2
    high = first(tags.get(S_MAX_SAMPLE_VALUE, tags.get(MAX_SAMPLE_VALUE)))
    low = first(tags.get(S_MIN_SAMPLE_VALUE, 0)) if signed or picture.mode == "F" else 0
    if high is not None and high > low:
        return low, high
    if picture.mode == "F":
        return 0, 1
    if picture.mode.startswith("I;16") or picture.format in ("PNG", "PPM"):
        return 0, 2**bits - 1
    return reject(
        f"Nothing says which value of {name} is white: save it with 8 or 16 bits.",
        f"{'signed ' if signed else ''}integers of {bits if tags else 32} bits",
    )


def scale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values from this range as bytes from 0 to 255, rounded."""
    import numpy as np

    return np.rint(((values - low) / (high - low) * 255).clip(0, 255)).astype(np.uint8)


def first(tag: Any) -> Any:
    """A tag's value; of several, one for each channel, the first."""
    return tag[0] if isinstance(tag, tuple) else tag
