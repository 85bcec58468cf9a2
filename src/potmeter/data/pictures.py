"""Pictures by a word: the name of a built-in data set, or a folder of the user's."""

from __future__ import annotations

from collections.abc import Sequence

from potmeter.data.folder import image_folder
from potmeter.data.sets.celeba import celeba, is_celeba
from potmeter.data.sets.records import DATA_SETS
from potmeter.data.splits import Splits


def load_pictures(
    source: str, size: int | tuple[int, int], channels: int, *, labels: bool = True, classes: Sequence[str] = ()
) -> Splits:
    """Read a built-in data set or a folder.

    Args:
        source: The name of a set of pictures in ``DATA_SETS``, or a folder: as ``image_folder`` reads it, or with CelebA's
            table of attributes.
        size: Side, or (height, width), of what the network takes.
        channels: Its colours; what is in a folder is brought to size and colours, and so is a built-in set whose record
            names no sizes; others must have them.
        labels: Whether a folder's subfolders, and orl's people, are classes.
        classes: Those that a network knows: a folder need not have all of them.

    Raises:
        UserError: When the network takes other pictures than the built-in set has, or the data cannot be had.
    """
    if source in DATA_SETS and DATA_SETS[source].kind == "pictures":
        splits: Splits = DATA_SETS[source].read(size=size, channels=channels, labels=labels, classes=classes)
        return splits
    if not labels and is_celeba(source):
        return celeba(source, size, channels=channels)
    return image_folder(source, size, channels=channels, labels=labels)
