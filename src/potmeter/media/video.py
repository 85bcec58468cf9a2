"""Videos."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from potmeter.errors import UserError, reject
from potmeter.media.frames import FileFrames, Frames, open_container
from potmeter.media.medium import Medium, data_uri, read_bytes, write_aside
from potmeter.media.provenance import Provenance, read_provenance
from potmeter.media.segments import join_segments, write_segments

if TYPE_CHECKING:
    import numpy as np

HEAD = 2**24
"""Bytes from a file's begin in which a mark that stands outside of the metadata is looked for."""


@dataclass(frozen=True, eq=False)
class Video(Medium):
    """A video.

    Args:
        frames: uint8 array of shape (time, height, width, 3), or ``Frames`` that are never in memory all at once.
        fps: Frames per second.
        caption: A line that stands below it.
        score: What was reached in it, a number to compare by; None where nothing is played for.
        sound: The file, or the bytes of one, whose first sound is heard; empty for a silent video.
        provenance: What its file says, or will say, of how it came about; None where that is nothing.
    """

    frames: np.ndarray | Frames
    fps: float = 12.0
    caption: str = ""
    score: float | None = None
    sound: Path | bytes = b""
    provenance: Provenance | None = None

    suffix = ".mp4"
    formats = (".mp4", ".mov", ".mkv")
    noun = "a video"
    suffixes = (".mp4", ".webm", ".mov", ".avi", ".mkv")

    def __post_init__(self) -> None:
        if not isinstance(self.frames, Frames):  # to look at one of those may be work
            shape: tuple[int, ...] = getattr(self.frames, "shape", ())
            kind = str(getattr(self.frames, "dtype", type(self.frames)))
            if len(shape) != 4 or shape[3] != 3 or 0 in shape or kind != "uint8":
                reject("Video takes uint8 frames of shape (time, height, width, 3).", f"{kind} of shape {tuple(shape)}")
        self.fps > 0 or reject("A video has a positive number of frames per second.", self.fps)

    @classmethod
    def open(cls, path: str | Path) -> Video:
        """The first video of a file, and its first sound. Its frames are read whenever they are looked at: the file stays."""
        import os

        import av

        source = Path(path) if os.path.isfile(path) else read_bytes(path)  # a pipe can be read once only
        head = read_bytes(path, HEAD) if isinstance(source, Path) else source
        try:
            frames = FileFrames(source, Path(path).name)
            with open_container(source) as container:
                sound = source if container.streams.audio else b""
                mark = read_provenance(head + str(container.metadata).encode())
        except (av.FFmpegError, IndexError, StopIteration, ValueError):
            begin = f"a file that begins {head[:16]!r}"
            raise UserError(f"{path} is not a video of a known format.", received=begin) from None
        return cls(frames, frames.fps, sound=sound, provenance=mark)

    def save(self, path: str | Path) -> Path:
        """Write the video to a file, frame by frame, and return the path."""
        path = Path(path)
        path = path if path.suffix else path.with_suffix(self.suffix)
        self.check_format(path.suffix)
        with write_aside(path) as aside, TemporaryDirectory(prefix=".segments-", dir=path.parent) as folder:
            self.join([*write_segments(self.frames, self.fps, Path(folder))], aside, path.suffix)
        return path

    def encode(self, suffix: str) -> bytes:
        self.check_format(suffix)
        buffer = io.BytesIO()
        with TemporaryDirectory() as folder:
            self.join([*write_segments(self.frames, self.fps, Path(folder))], buffer, suffix)
        return buffer.getvalue()

    def join(self, segments: Sequence[Path], target: Path | io.BytesIO, suffix: str) -> None:
        """Write a file of the frames that segments hold, with the sound and the mark."""
        comment = self.provenance.xmp() if self.provenance else ""
        kind = "matroska" if suffix.lower() == ".mkv" else suffix.lower()[1:]
        join_segments(segments, self.fps, target, kind, sound=self.sound, comment=comment)

    def html(self) -> str:
        video = f'<video controls loop autoplay muted playsinline src="{data_uri(self, ".mp4")}"></video>'
        return f'{video}<p class="caption">{html.escape(self.caption)}</p>' if self.caption else video

    def json(self) -> dict[str, float | str]:
        if isinstance(self.frames, Frames) and self.frames.count is None:
            for _ in self.frames:  # how many there are is known at their end
                pass
        height, width = self.frames.shape[1:3]
        told = {"caption": self.caption, "score": self.score}
        known = {key: value for key, value in told.items() if value not in ("", None)}
        return {"frames": len(self.frames), "height": height, "width": width, "fps": self.fps} | known
