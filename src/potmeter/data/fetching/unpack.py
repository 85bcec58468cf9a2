"""Unpack archives that come from strangers: only regular files, only inside, only so many, only so large.

Nothing but plain files is ever created (no links, devices, owners or modes), so a later member cannot be led out
through an earlier one; a name that points outside makes the whole archive suspect and ends the unpacking.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO

from potmeter.errors import UserError, reject

MAX_BYTES = 2**30
"""Most bytes that one archive may unpack to."""
MAX_FILES = 100_000
"""Most members that one archive may list."""

Member = tuple[str, bool, IO[bytes] | None]
"""Name, whether it is a regular file, and (for wanted regular files) its content."""


def unpack(archive: Path, folder: Path, members: tuple[str, ...], max_bytes: int = MAX_BYTES) -> list[Path]:
    """Write the members that match one of the patterns into ``folder``.

    Args:
        archive: A .whl or .zip, a .tar.gz or .tgz, or a .deb (needs ``dpkg-deb``).
        folder: Where they go, under their names in the archive.
        members: Patterns as in ``PurePosixPath.match``: ``*`` does not cross a slash.
        max_bytes: Bound on what is written.

    Returns:
        The files written, in order.

    Raises:
        UserError: for an archive that is broken, hostile, too large, or has none of the members.
    """
    written, left = [], max_bytes
    try:
        for count, (name, regular, content) in enumerate(read(archive, members)):
            count < MAX_FILES or reject(f"{archive.name} has more than {MAX_FILES:,} members.", archive.name)
            path = check_path(name, archive)
            if not matches(name, members):
                continue
            if not regular or content is None:
                reject(f"{archive.name} has a link or device where a file is expected.", name)
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:  # "x": a name that comes twice is an attack or a mistake
                left -= copy(content, file, left, archive)
            written.append(target)
    except FileExistsError as error:
        raise UserError(f"{archive.name} lists a file twice.", received=Path(error.filename).name) from None
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError, EOFError, RuntimeError, OSError) as error:
        raise UserError(f"{archive.name} cannot be unpacked: {error}.", received=archive.name) from None
    return written or reject(f"{archive.name} has none of the files {', '.join(members)}.", archive.name)


def check_path(name: str, archive: Path) -> PurePosixPath:
    """The member's path, once it is certain that it stays inside, on Windows too."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
        reject(f"{archive.name} has a member that points outside the folder; nothing of it is used.", name)
    return path


def matches(name: str, members: tuple[str, ...]) -> bool:
    """Whether the name matches one of the patterns."""
    return any(PurePosixPath(name).match(pattern) for pattern in members)


def copy(source: IO[bytes], target: IO[bytes], limit: int, archive: Path) -> int:
    """Copy and count what really comes out: a bomb's header lies about its size."""
    total = 0
    while chunk := source.read(2**20):
        total += len(chunk)
        total <= limit or reject(
            f"{archive.name} unpacks to more than is allowed; nothing of it is used.", archive.name
        )
        target.write(chunk)
    return total


def read(archive: Path, members: tuple[str, ...]) -> Iterator[Member]:
    """The archive's members, whichever of the three kinds it is."""
    if archive.suffix == ".deb":
        return read_deb(archive, members)
    if archive.suffix in (".whl", ".zip"):
        return read_zip(archive, members)
    return read_tar(archive, members)


def read_zip(archive: Path, members: tuple[str, ...]) -> Iterator[Member]:
    """Members of a wheel or zip file."""
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            # the upper half is the Unix mode, whose first digit says what it is; 0 = unstated
            kind = info.external_attr >> 28
            regular = not info.is_dir() and kind in (0, 0o10)
            if regular and matches(info.filename, members):
                with file.open(info) as content:
                    yield info.filename, True, content
            elif not info.is_dir():
                yield info.filename, regular, None


def read_tar(archive: Path | IO[bytes], members: tuple[str, ...]) -> Iterator[Member]:
    """Members of a tar file, or of a stream of one, read once from front to back."""
    with tarfile.open(archive) if isinstance(archive, Path) else tarfile.open(fileobj=archive, mode="r|") as file:
        for info in file:
            if not info.isdir():
                content = file.extractfile(info) if info.isreg() and matches(info.name, members) else None
                yield info.name, info.isreg(), content


def read_deb(archive: Path, members: tuple[str, ...]) -> Iterator[Member]:
    """Members of a Debian package, whose inner tar ``dpkg-deb`` decompresses."""
    tool = shutil.which("dpkg-deb") or reject(f"{archive.name} needs dpkg-deb to be unpacked.", archive.name)
    with subprocess.Popen(
        [tool, "--fsys-tarfile", archive], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # it was asked for
        try:
            yield from read_tar(process.stdout, members)
            while process.stdout.read(2**20):  # tar pads its end; a closed pipe would look like a failure
                pass
        except BaseException:
            process.kill()
            raise
    process.returncode == 0 or reject(f"{archive.name} is not a sound Debian package.", archive.name)
