"""A film's frames one by one: however long it is, only a few of them are in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import reject
from potmeter.media.medium import MAX_PIXELS
from potmeter.notices import note

if TYPE_CHECKING:
    import numpy as np

LOSS = 0.05
"""Share of a film's time, beyond a second, that may be missing before its file counts as broken off."""
DRIFT = 0.2
"""Seconds by which frames may be off their time before it is told: less is hardly seen beside the sound."""


class Frames:
    """Frames that are read or computed one after the other, each time they are iterated over.

    ``numpy.asarray`` makes an array of them, uint8 (time, height, width, 3), which is in memory whole; it raises UserError
    where that would be more than 10 × ``MAX_PIXELS`` pixels.
    """

    count: int | None = None
    """How many there are, once they were read to the end."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Time, height, width and 3. The time is expected, and not sure, until the frames were read to the end."""
        raise NotImplementedError

    def read(self, first: int = 0) -> Iterator[np.ndarray]:
        """The frames from a number on, each uint8 (height, width, 3)."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.read()

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        frames, number = np.empty((0, 0, 0, 3), np.uint8), 0
        for number, frame in enumerate(self, 1):
            most = 10 * MAX_PIXELS // (frame.shape[0] * frame.shape[1])
            number <= most or reject("This video is too long to be in memory whole.", f"{number:,} frames")
            if number == 1:
                frames = np.empty((min(len(self), most), *frame.shape), np.uint8)
            elif number > len(frames):
                frames.resize((min(2 * len(frames), most), *frame.shape), refcheck=False)
            frames[number - 1] = frame
        return frames[:number].astype(dtype or np.uint8, copy=False)


class FileFrames(Frames):
    """The frames of the first video in a file.

    Args:
        source: The file, or its bytes.
        name: What messages call it.

    Raises:
        UserError: It has no video, or too large frames.
        av.FFmpegError, StopIteration: When no frame can be decoded.
    """

    def __init__(self, source: Path | bytes, name: str) -> None:
        import av

        self.source, self.name = source, name
        with open_container(source) as container:
            kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
            container.streams.video or reject(f"{name} has no moving pictures.", f"a file of {kinds}")
            stream = container.streams.video[0]
            first = next(container.decode(stream))
            pixels = first.width * first.height
            pixels <= MAX_PIXELS or reject(f"{name} has larger frames than {MAX_PIXELS:,} pixels.", f"{pixels:,}")
            self.size = to_pixels(first).shape[:2]
            of_stream, of_file = stream.duration, container.duration or 0
            self.seconds = float(of_stream * stream.time_base if of_stream else of_file / av.time_base)
            self.expected: int = stream.frames
            self.fps = float(stream.average_rate or 12)
        if not self.expected:  # Matroska does not say it; each packet is a frame
            self.count_packets()

    def count_packets(self) -> None:
        """Find how many frames there are, and how many in a second where that is not what the file says."""
        with open_container(self.source) as container:
            stream = container.streams.video[0]
            packets = [packet.pts for packet in container.demux(stream) if packet.size]
            times = [float(pts * stream.time_base) for pts in packets if pts is not None]
        self.expected = max(1, len(packets))
        gaps, span = len(times) - 1, max(times, default=0.0) - min(times, default=0.0)
        if span > 0 and abs(span - gaps / self.fps) > DRIFT:
            self.fps = gaps / span

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (self.count or self.expected, *self.size, 3)

    def read(self, first: int = 0) -> Iterator[np.ndarray]:
        import av

        count, broken, reached, drift = 0, False, 0.0, 0.0
        with open_container(self.source) as container:
            stream = container.streams.video[0]
            try:
                for frame in container.decode(stream):
                    count += 1
                    reached = (frame.time or 0) - float((stream.start_time or 0) * stream.time_base)
                    drift = max(drift, abs(reached - (count - 1) / self.fps))
                    if count > first:
                        yield to_pixels(frame, self.size)
            except av.FFmpegError:
                broken = True
        if broken or reached < (1 - LOSS) * self.seconds - 1:
            note(f"{self.name} breaks off after {count:,} frames: {reached:.0f} of {self.seconds:.0f} s can be read.")
        elif drift > DRIFT:
            note(
                f"{self.name} has frames of unequal duration, and is read as of equal: up to {drift:.1f} s off its sound."
            )
        self.count = count


@contextmanager
def open_container(source: Path | bytes) -> Iterator[Any]:
    """A film's file, or its bytes, opened with PyAV."""
    import av

    with (
        io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file,
        av.open(file, "r") as container,
    ):
        yield container


def to_pixels(frame: Any, size: tuple[int, int] | None = None) -> np.ndarray:
    """A decoded frame as uint8 (height, width, 3), upright, and of a size where one is given."""
    import numpy as np

    turns = frame.rotation // 90
    height, width = size or (None, None)
    if turns % 2:
        height, width = width, height
    pixels = frame.to_ndarray(format="rgb24", height=height, width=width)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
