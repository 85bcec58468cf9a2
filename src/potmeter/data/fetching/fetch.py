"""Fetch a package of the catalogue into the cache: download, verify, unpack aside, rename."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from potmeter.data.fetching.clients import download
from potmeter.data.fetching.packages import PACKAGES, Package
from potmeter.data.fetching.unpack import unpack
from potmeter.errors import UserError, reject
from potmeter.notices import announce


def fetch(tag: str) -> Path:
    """The folder with the files of a package, brought from its registry on first use.

    Two processes may fetch the same package at once: the second waits and finds it done. What is in the cache is
    whole, because folders are only ever renamed into it.

    Args:
        tag: A key of ``packages.PACKAGES``.

    Returns:
        A folder; the files have the names they have in the package.

    Raises:
        UserError: for an unknown tag, no client, no network, ``POTMETER_OFFLINE``, or contents that do not match.

    Example:
        >>> sorted(path.name for path in (fetch("foolbox") / "foolbox" / "data").glob("imagenet_00*"))
        ['imagenet_00_243.jpg']
    """
    package = PACKAGES.get(tag) or reject(f"No data package has this name; there are {', '.join(PACKAGES)}.", tag)
    folder = cached_folder(tag)
    if folder.is_dir():
        return folder
    if is_offline():
        hint = f"unset POTMETER_OFFLINE and run `potmeter fetch {tag}`, or {package.instead}"
        reject(f"{tag} is not in the cache and POTMETER_OFFLINE is set: {hint}.", tag)
    os.access(folder.parent, os.W_OK) or reject(
        "The cache folder is read-only; set POTMETER_CACHE.", str(folder.parent)
    )
    from filelock import FileLock  # comes with torch and huggingface_hub

    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            fetch_package(package, folder)
    return folder


def cached_folder(tag: str) -> Path:
    """Where a package of the catalogue is, or would be, in the cache."""
    return cache_folder() / f"{tag}-{PACKAGES[tag].sha256[:12]}"  # a new version in the catalogue is a new folder


def fetch_package(package: Package, folder: Path) -> None:
    """Download, verify and unpack in a temporary folder beside ``folder``, then rename."""
    announce(f"fetching {package.what} ({package.name}, {package.size / 1e6:.0f} MB) …")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{package.tag}-") as aside:
        (incoming := Path(aside, "incoming")).mkdir()
        archive = download(package, incoming)
        if package.registry != "debian":
            verify(package, file_digest(archive))
        files = unpack(archive, unpacked := Path(aside, "unpacked"), package.members)
        if package.registry == "debian":
            verify(package, contents_digest(files, unpacked))
        unpacked.rename(folder)
    announce(f"{package.tag} is in {folder}. Licence: {package.licence}.")


def verify(package: Package, digest: str) -> None:
    """Refuse contents other than those that were opened and checked when the catalogue was written."""
    if digest != package.sha256:
        raise UserError(
            f"{package.tag}: what came as {package.name} is not what the catalogue describes (sha256 "
            f"{package.sha256[:12]}…), and is not used. Update potmeter, or {package.instead}.",
            received=digest,
        )


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents_digest(files: list[Path], root: Path) -> str:
    """One sha256 for many files: of the lines ``sha256␠␠name``, sorted by name, as ``sha256sum`` prints them."""
    names = sorted((path.relative_to(root).as_posix(), path) for path in files)
    return hashlib.sha256("".join(f"{file_digest(path)}  {name}\n" for name, path in names).encode()).hexdigest()


def cache_folder() -> Path:
    """Where fetched data is kept: ``POTMETER_CACHE``, else ``~/.cache/potmeter``; made when missing."""
    folder = Path(os.environ.get("POTMETER_CACHE") or "~/.cache/potmeter").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The cache folder cannot be made: {error.strerror}; set POTMETER_CACHE.", received=str(folder)
        ) from None
    return folder


def is_offline() -> bool:
    """Whether the user forbids going online (``POTMETER_OFFLINE`` is set, and not to 0)."""
    return os.environ.get("POTMETER_OFFLINE", "0") not in ("", "0")
