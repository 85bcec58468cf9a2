"""Films changed frame by frame, at any length; what was interrupted goes on where it stopped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from potmeter.core.progress import progress
from potmeter.errors import UserError, reject
from potmeter.media import Video
from potmeter.media.frames import Frames
from potmeter.media.medium import write_aside
from potmeter.media.segments import name_segment, write_segments
from potmeter.notices import announce
from potmeter.version import __version__

Change = Callable[[np.ndarray], np.ndarray | None]
"""Makes of a frame, uint8 (height, width, 3), another; None where it stays as it is."""
Finish = Callable[[int, int], None]
"""Called with the number of frames, and of those that stayed as they are, after the last; may raise a UserError."""


def change_frames(film: Video, change: Change, label: str, finish: Finish = lambda count, unchanged: None) -> Video:
    """A film with its frames changed one by one, and its sound.

    Args:
        film: If its frames are in memory, they are changed at once; otherwise while they are written or shown.
        change: What is done with each frame.
        label: What progress is called.
        finish: What is done after the last frame, before a file gets its name.
    """
    frames = ChangedFrames(film.frames, change, label, finish)
    lazy = isinstance(film.frames, Frames)
    return Video(frames if lazy else np.asarray(frames), film.fps, film.caption, sound=film.sound)


class ChangedFrames(Frames):
    """Frames that are computed from others when they are looked at; arguments as of ``change_frames``."""

    position = 0
    """How many were read."""
    unchanged = 0
    """How many of those stayed as they are."""
    size: tuple[int, int] | None = None
    """Height and width, once one was computed."""

    def __init__(self, source: np.ndarray | Frames, change: Change, label: str, finish: Finish) -> None:
        self.source, self.change, self.label, self.finish = source, change, label, finish

    @property
    def shape(self) -> tuple[int, int, int, int]:
        if self.size is None:
            first = next(iter(self.source))
            changed = self.change(first)
            self.size = (first if changed is None else changed).shape[:2]
        return (len(self), *self.size, 3)

    def __len__(self) -> int:
        return self.count or len(self.source)

    def read(self, first: int = 0, unchanged: int = 0) -> Iterator[np.ndarray]:
        """The frames from a number on; ``unchanged`` of those before stayed as they are."""
        self.position, self.unchanged = first, unchanged
        source = self.source.read(first) if isinstance(self.source, Frames) else iter(self.source[first:])
        for frame in progress(source, self.label, len(self.source), first):
            changed = self.change(frame)
            self.position += 1
            self.unchanged += changed is None
            changed = frame if changed is None else changed
            self.size = changed.shape[:2]
            yield changed
        self.count = self.position
        self.finish(self.count, self.unchanged)


@dataclass(frozen=True)
class Finished:
    """What an interrupted film has come to: the content of the file ``STATE`` beside its segments."""

    fingerprint: str
    segments: int = 0
    frames: int = 0
    unchanged: int = 0


STATE = "film.json"
"""The file beside the segments that says what they are."""


def save_film(film: Video, path: Path, fingerprint: str) -> Path:
    """Save a film whose frames are computed while it is written, or go on where that was interrupted.

    Closed segments lie beside the film, in the folder ``NAME.segments``, until it is whole.

    Args:
        film: Of ``ChangedFrames``.
        path: The file.
        fingerprint: Of all that the frames depend on: segments with another one are not used.
    """
    frames, folder = film.frames, path.with_name(f"{path.name}.segments")
    assert isinstance(frames, ChangedFrames)
    film.check_format(path.suffix)
    with write_aside(path) as aside, claim(path):
        finished = find_finished(folder, fingerprint)
        try:
            rest = frames.read(finished.frames, finished.unchanged)
            for number, _ in enumerate(
                write_segments(rest, film.fps, folder, finished.segments), finished.segments + 1
            ):
                finished = Finished(fingerprint, number, frames.position, frames.unchanged)
                write_finished(folder, finished)
            film.join([name_segment(folder, number) for number in range(finished.segments)], aside, path.suffix)
        except BaseException as error:  # Ctrl-C, a full disk, no memory: what is finished is of use once there is room
            if finished.frames and not isinstance(error, UserError):
                announce(f"stopped; the same command goes on after frame {finished.frames:,}, with {folder}.")
            else:
                shutil.rmtree(folder)
            raise
    shutil.rmtree(folder)
    return path


@contextmanager
def claim(path: Path) -> Iterator[None]:
    """Keep another process from writing the same film. Raises UserError where one does."""
    from filelock import FileLock, Timeout  # comes with torch and huggingface_hub

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        reject("Another process is writing this film.", str(path))
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):  # on Windows, when somebody looks at it just now
            Path(lock.lock_file).unlink()


def find_finished(folder: Path, fingerprint: str) -> Finished:
    """What an earlier call has finished in a folder, which is made or emptied where that is of no use."""
    with suppress(OSError):
        folder.rmdir()  # an empty one is left where a call was ended before it could note anything
    if folder.exists():
        try:
            finished = Finished(**json.loads((folder / STATE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            reject("The segments of a film are kept in this folder, and something else is in it.", str(folder))
        if finished.fingerprint != fingerprint:
            announce(f"begins anew: {folder} is of another film, other settings or other weights.")
        elif not all(name_segment(folder, number).is_file() for number in range(finished.segments)):
            announce(f"begins anew: {folder} has lost a segment.")
        else:
            announce(f"goes on after frame {finished.frames:,}, with {folder}.")
            return finished
        shutil.rmtree(folder)
    folder.mkdir()
    write_finished(folder, Finished(fingerprint))
    return Finished(fingerprint)


def write_finished(folder: Path, finished: Finished) -> None:
    """Note what is finished, or leave what was noted."""
    aside = folder / f"{STATE}.part"
    aside.write_text(json.dumps(asdict(finished)), encoding="utf-8")
    aside.replace(folder / STATE)


def fingerprint_work(system: Any, task: str, arguments: dict[str, Any]) -> str:
    """A digest of what a task's result depends on: weights, arguments, of files their size and time, and our version."""
    from potmeter.data.fingerprint import digest

    stamps = {name: stamp(value) for name, value in arguments.items()}
    return digest([__version__, task, stamps, dict(system.state_dict())])


def stamp(value: Any) -> Any:
    """An argument; of a file also its size and the time when it was written."""
    if isinstance(value, (str, Path)) and os.path.isfile(value):
        status = os.stat(value)
        return [str(value), status.st_size, status.st_mtime_ns]
    return [stamp(one) for one in value] if isinstance(value, (list, tuple)) else value
