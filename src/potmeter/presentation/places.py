"""Where results go: ``--out`` is understood, and refused, before the work begins."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from potmeter import media
from potmeter.errors import UserError, reject


def kinds_of(method: Callable[..., Any]) -> dict[str, type[media.Medium]]:
    """The media that a typed method returns by name, as ``media.parts`` gives them; empty where it does not say."""
    try:
        annotation = get_type_hints(method).get("return")
    except (NameError, TypeError):  # a method that is not made like ours
        return {}
    return kinds_in(annotation)


def kinds_in(annotation: Any) -> dict[str, type[media.Medium]]:
    """The media in a return type: one, a dataclass of them, or an iterator of either."""
    if get_origin(annotation) in (Union, types.UnionType, Iterator):
        return next((found for option in get_args(annotation) if (found := kinds_in(option))), {})
    if isinstance(annotation, type) and issubclass(annotation, media.Medium):
        return {"": annotation}
    if isinstance(annotation, type) and is_dataclass(annotation):
        hints = get_type_hints(annotation)
        # of a field that becomes another medium as it grows, the last
        kinds = {field.name: (get_args(hints[field.name]) or (hints[field.name],))[-1] for field in fields(annotation)}
        if all(isinstance(kind, type) and issubclass(kind, media.Medium) for kind in kinds.values()):
            return kinds
    return {}


def plan(out: str, kinds: dict[str, type[media.Medium]]) -> dict[str, Path]:
    """The file of each medium of a result, by the names of ``media.parts``.

    A place that ends in a slash, or is a folder, is a folder; so is one without an ending for several media, and for one
    that is saved as a folder itself. Of several media and a file's name, the first that can be saved under its ending gets
    the name, the others one like it.

    Args:
        out: What stands after ``--out``.
        kinds: The media.

    Raises:
        UserError: The ending fits none of the media, or nothing can be written there.
    """
    place = Path(os.path.expanduser(out))
    ending = place.suffix if place.suffix[1:].isalnum() else ""
    is_folder = out.endswith(("/", os.sep)) or os.path.isdir(place)
    if len(kinds) == 1 and next(iter(kinds.values())).in_folder and (os.path.isdir(place) or not ending):
        check_writable(place, folder=True)
        return {next(iter(kinds)): place}
    if is_folder or (len(kinds) > 1 and not ending):
        paths = {name: place / f"{name or 'result'}{kind.suffix}" for name, kind in kinds.items()}
    elif len(kinds) == 1:
        kind = next(iter(kinds.values()))
        ending and kind.check_format(ending)
        paths = {next(iter(kinds)): place if ending else place.with_name(place.name + kind.suffix)}
    else:
        fitting = [name for name, kind in kinds.items() if not kind.formats or ending.lower() in kind.formats]
        first = fitting[0] if fitting else reject(
            f"None of {', '.join(kinds)} is saved under that ending; a folder takes all.", out
        )  # fmt: skip
        paths = {
            name: place if name == first else place.with_name(f"{place.stem}-{name}{kind.suffix}")
            for name, kind in kinds.items()
        }
    for path in paths.values():
        check_writable(path)
    return paths


def check_writable(path: Path, *, folder: bool = False) -> None:
    """Refuse a file, or a folder of results, that could not be written, without making anything yet. Raises UserError."""
    try:
        "\0" not in str(path) or reject("A file's name has no null byte.", ascii(str(path)))
        len(os.fsencode(path.name)) <= 255 or reject("The file's name is too long.", path.name)
        folder or not path.is_dir() or reject("There is a folder of that name.", str(path))
        above = [path.absolute()] * folder + [*path.absolute().parents]
        nearest = next(place for place in above if os.path.lexists(place))
        nearest.is_dir() or reject(f"{nearest} is no folder.", str(path))
        os.access(nearest, os.W_OK | os.X_OK) or reject(f"{nearest} cannot be written.", str(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be written: {reason}.", received=str(path)) from None
