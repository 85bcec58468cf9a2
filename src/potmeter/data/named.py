"""Pictures by a word: the name of a built-in data set, or a folder of the user's."""

from __future__ import annotations

from collections.abc import Callable

from potmeter.data.folder import image_folder
from potmeter.data.sets.celeba import celeba, is_celeba
from potmeter.data.sets.cifar10 import cifar10
from potmeter.data.sets.faces import faces
from potmeter.data.sets.mnist import fashion_mnist, mnist, sklearn_digits
from potmeter.data.sets.orl import orl
from potmeter.data.splits import Splits
from potmeter.errors import reject

BUILT_IN: dict[str, tuple[Callable[[], Splits], int, int]] = {
    "mnist": (mnist, 28, 1),
    "fashion": (fashion_mnist, 28, 1),
    "digits": (sklearn_digits, 28, 1),
    "cifar10": (cifar10, 32, 3),
}
"""Reader, side in pixels and channels of each; ``digits`` is scikit-learn's small set and needs no network."""


def load_pictures(source: str, size: int | tuple[int, int], channels: int, *, labels: bool = True) -> Splits:
    """Read a built-in data set or a folder.

    Args:
        source: ``mnist``, ``fashion``, ``digits``, ``cifar10``, ``faces``, ``orl``, or a folder: as ``image_folder`` reads
            it, or with CelebA's table of attributes.
        size: Side, or (height, width), of what the network takes.
        channels: Its colours; a folder's pictures and orl's are brought to size and colours, other built-in ones must have
            them.
        labels: Whether a folder's subfolders, and orl's people, are classes.

    Raises:
        UserError: When the network takes other pictures than the built-in set has, or the data cannot be had.
    """
    if source == "own data":
        reject("These weights were trained on pictures of your own: name some with --data.", source)
    if source == "orl":  # as photographs from a folder, in any size
        return orl(size, channels, labels=labels)
    if source == "faces":  # in several sizes
        channels == 3 or reject("faces has coloured pictures: --channels 3.", channels)
        return faces(size) if isinstance(size, int) else reject("faces has square pictures.", size)
    if source not in BUILT_IN and not labels and is_celeba(source):
        return celeba(source, size, channels=channels)
    if source not in BUILT_IN:
        return image_folder(source, size, channels=channels, labels=labels)
    read, side, colours = BUILT_IN[source]
    if (size, channels) != (side, colours):
        reject(f"{source} has {side}×{side} pictures: --image-size {side} --channels {colours}.", f"{size}, {channels}")
    return read()
