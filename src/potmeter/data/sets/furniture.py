"""Pictures of household things, from the catalogue of an interior design program."""

from __future__ import annotations

import io
import zipfile

import PIL.Image

from potmeter.data.fetching.fetch import fetch
from potmeter.errors import UserError, reject
from potmeter.media import Image


def furniture(name: str, *, close: bool = False, mirrored: bool = False) -> Image:
    """A rendered picture of the Scopia catalogue, 128×128 or smaller, on white.

    Args:
        name: As in the catalogue: ``toaster``, ``small-oven`` …
        close: Cut to the thing's outline.
        mirrored: Left and right exchanged.

    Raises:
        UserError: When there is no such picture, or the package cannot be had.

    Example:
        >>> furniture("toaster").size  # doctest: +SKIP
        (128, 128)
    """
    path = fetch("furniture") / "usr" / "share" / "sweethome3d" / "furniture" / "Scopia.sh3f"
    try:
        with zipfile.ZipFile(path) as catalogue:
            content = catalogue.read(f"scopia/{name}.png")
    except KeyError:
        reject("The catalogue has no such picture.", name)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path} is a broken catalogue: {error}.", received=path.name) from None
    picture = PIL.Image.open(io.BytesIO(content)).convert("RGBA")
    if close:
        picture = picture.crop(picture.getchannel("A").getbbox())
    if mirrored:
        picture = picture.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    return Image.from_pil(picture)
