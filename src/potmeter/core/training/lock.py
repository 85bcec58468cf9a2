"""One training at a time in a run's folder."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from potmeter.core.training import processes
from potmeter.errors import UserError

LOCK, HOLDER = ".lock", ".lock.json"
"""The lock, which the system frees when its holder ends, however it ends; and who that is."""


@contextmanager
def lock_run(run: Path) -> Iterator[None]:
    """Make a run's folder and hold it for this process, for all processes of a distributed run together.

    A folder that was made and in which nothing is left is removed again, and so is ``runs`` around it.

    Raises:
        UserError: The folder cannot be made, or another training holds it; it is named.
    """
    if processes.rank() > 0:
        processes.barrier()  # until the first process has made the folder
        yield
        return
    found = run.exists()
    try:
        run.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run / LOCK)
        lock.acquire(timeout=0)
        write_holder(run)
    except Timeout:
        raise UserError(
            f"{run} is in use: {read_holder(run)}; --out names another folder.", received=str(run)
        ) from None
    except NotImplementedError:
        print(f"potmeter: warning: {run} cannot be locked: let no other training write there", file=sys.stderr)
    except OSError as error:
        raise UserError(f"{run} cannot be made: {error.strerror}.", received=str(run)) from None
    processes.barrier()
    try:
        yield
    finally:
        for name in (HOLDER, LOCK):
            (run / name).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # there is something in it
            if not found:
                run.rmdir()
            if run.parent == Path("runs"):
                run.parent.rmdir()


def write_holder(run: Path) -> None:
    """Note who holds a run's folder."""
    holder = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M")}
    (run / HOLDER).write_text(json.dumps(holder) + "\n", encoding="utf-8")


def read_holder(run: Path) -> str:
    """Who holds a run's folder."""
    try:
        holder = json.loads((run / HOLDER).read_text(encoding="utf-8"))
        return f"process {holder['process']} on {holder['host']} has been training there since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another training is at work there"
