"""The sound of a film, taken out of it and put into another as it was coded."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import OutputContainer

COPIED = ("aac", "mp3", "ac3", "eac3", "alac")
"""Codings that every container we write can hold; others are coded anew, as AAC."""
NOT_IN_MOV = ("flac", "opus")
"""Codings that are copied too, but into QuickTime's."""


def take_sound(data: bytes) -> bytes:
    """The first sound of a film as a Matroska file, as it was coded where that can be copied; empty where it is silent."""
    import av

    with av.open(io.BytesIO(data), "r") as source:
        if not source.streams.audio:
            return b""
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="matroska") as target:
            add_sound(source, target)()
        return buffer.getvalue()


def put_sound(sound: bytes, target: OutputContainer) -> Callable[[], None]:
    """``add_sound`` of what ``take_sound`` gave to a film that is being written."""
    import av

    return add_sound(av.open(io.BytesIO(sound), "r"), target)


def add_sound(source: Any, target: OutputContainer) -> Callable[[], None]:
    """Add a stream for a container's first sound to another.

    Returns:
        What writes the sound; to be called when the pictures are in, since a container's streams stand before its packets.
    """
    import av

    stream = source.streams.audio[0]
    if stream.codec_context.name in (COPIED if target.format.name == "mov" else COPIED + NOT_IN_MOV):
        copied = target.add_stream_from_template(stream)
        return lambda: write_copy(source, stream, target, copied)
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    rate = stream.rate if stream.rate in (av.Codec("aac", "w").audio_rates or ()) else 48_000
    coded = target.add_stream("aac", rate=rate, layout=layout)
    return lambda: write_anew(source, stream, target, coded)


def write_copy(source: Any, stream: Any, target: Any, out: Any) -> None:
    """All packets of a stream into another that was made for them."""
    for packet in source.demux(stream):
        if packet.dts is not None:
            packet.stream = out
            target.mux(packet)


def write_anew(source: Any, stream: Any, target: Any, out: Any) -> None:
    """A stream decoded and coded again."""
    import av

    resampler = av.AudioResampler(format="fltp", layout=out.layout, rate=out.rate, frame_size=1024)

    def write(frame: Any) -> None:
        for piece in resampler.resample(frame):
            piece.pts = None
            target.mux(out.encode(piece))

    for frame in source.decode(stream):
        write(frame)
    write(None)  # what is left
    target.mux(out.encode())
