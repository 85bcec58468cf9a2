"""The sound of a film, taken out of it and put into another as it was coded."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import OutputContainer

COPIED = ("aac", "mp3", "ac3", "eac3", "flac", "opus", "alac")
"""Codings that every container we write can hold; others are coded anew, as AAC."""


def take_sound(data: bytes) -> bytes:
    """The first sound of a film, all channels of it, as a Matroska file; empty where it is silent."""
    import av

    with av.open(io.BytesIO(data), "r") as source:
        if not source.streams.audio:
            return b""
        sound, buffer = source.streams.audio[0], io.BytesIO()
        with av.open(buffer, "w", format="matroska") as target:
            copy_packets(source, sound, target)
        return buffer.getvalue()


def put_sound(sound: bytes, target: OutputContainer) -> Any:
    """Announce a sound that ``take_sound`` gave to a film that is being written.

    Returns:
        What writes the sound; to be called when the pictures are in, since a container's streams stand before its packets.
    """
    import av

    source = av.open(io.BytesIO(sound), "r")
    stream = source.streams.audio[0]
    if stream.codec_context.name in COPIED:
        out = target.add_stream_from_template(stream)
        return lambda: write_copy(source, stream, target, out)
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    coded = target.add_stream("aac", rate=stream.rate, layout=layout)
    return lambda: write_anew(source, stream, target, coded)


def copy_packets(source: Any, stream: Any, target: Any) -> None:
    """All packets of a stream, unchanged."""
    write_copy(source, stream, target, target.add_stream_from_template(stream))


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
    for frame in (*source.decode(stream), None):  # None: what is left
        for piece in resampler.resample(frame):
            piece.pts = None
            target.mux(out.encode(piece))
    target.mux(out.encode())
