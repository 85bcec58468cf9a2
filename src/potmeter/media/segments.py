"""Films written as closed segments, which are joined without being coded again."""

from __future__ import annotations

import heapq
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potmeter.errors import reject
from potmeter.media.frames import open_container
from potmeter.media.sound_track import add_sound

if TYPE_CHECKING:
    import numpy as np

MAX_FRAMES, MAX_PIXELS = 250, 2**27
"""Frames of a segment at most, as many as between two of x264's key frames; and their pixels, which the coder holds."""


def write_segments(frames: Iterable[np.ndarray], fps: float, folder: Path, number: int = 0) -> Iterator[Path]:
    """Write frames, uint8 (height, width, 3), as films of a few seconds each.

    Args:
        frames: Looked at one by one.
        fps: Frames per second.
        folder: Where the segments' files go.
        number: Of the first segment.

    Yields:
        Each segment's file, once it is closed.
    """
    rest = iter(frames)
    for first in rest:
        height, width = first.shape[:2]
        length = max(1, min(MAX_FRAMES, MAX_PIXELS // (height * width)))
        path = name_segment(folder, number)
        aside = path.with_suffix(".part")
        try:
            write_segment(chain([first], islice(rest, length - 1)), height, width, fps, aside)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        yield path
        number += 1


def name_segment(folder: Path, number: int) -> Path:
    """The file of the segment of this number, from 0 on."""
    return folder / f"{number:06}.mp4"


def write_segment(frames: Iterator[np.ndarray], height: int, width: int, fps: float, path: Path) -> None:
    """Code frames as H.264, without sound."""
    import av

    min(height, width) > 1 or reject("A film is at least 2 × 2 pixels large.", f"{width} × {height}")
    with path.open("wb") as file, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=to_rate(fps))
        stream.height, stream.width = height - height % 2, width - width % 2  # the codec takes even sizes only
        stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
        for pixels in frames:
            even = pixels[: stream.height, : stream.width]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())


def to_rate(fps: float) -> Fraction:
    """Frames per second as coders take them; NTSC's, such as 30000/1001, exactly."""
    return Fraction(fps).limit_denominator(1001) if fps >= 1 else 1 / Fraction(1 / fps).limit_denominator(1001)


def join_segments(
    segments: Sequence[Path],
    fps: float,
    target: Path | io.BytesIO,
    format: str,
    *,
    sound: Path | bytes = b"",
    comment: str = "",
) -> None:
    """Make one film of segments.

    Args:
        segments: As ``write_segments`` made them.
        fps: Frames per second, of these.
        target: What is written.
        format: FFmpeg's name of the container.
        sound: The film, or its bytes, whose first sound is heard; empty for a silent one.
        comment: Stands in the metadata.
    """
    import av

    with ExitStack() as stack:
        file = target if isinstance(target, io.BytesIO) else stack.enter_context(target.open("wb"))
        container = stack.enter_context(av.open(file, "w", format=format))
        template = stack.enter_context(open_container(segments[0])).streams.video[0]
        tracks = [read_packets(segments, fps, container.add_stream_from_template(template))]
        if sound:
            tracks.append(add_sound(stack.enter_context(open_container(sound)), container))
        if comment:
            container.metadata["comment"] = comment
        for packet in heapq.merge(*tracks, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)


def read_packets(segments: Sequence[Path], fps: float, out: Any) -> Iterator[Any]:
    """The packets of all segments, each after the one before it in time, for a stream that was made for them."""
    number, begin = 0, 0
    for segment in segments:
        with open_container(segment) as container:
            stream = container.streams.video[0]
            ticks = int(1 / to_rate(fps) / stream.time_base)  # of a frame
            start = number * ticks
            for packet in container.demux(stream):
                if packet.dts is not None:
                    begin = begin if number else packet.dts  # a segment of two frames has no delay, unlike others
                    packet.dts, packet.pts, packet.stream = begin + number * ticks, start + packet.pts, out
                    number += 1
                    yield packet
