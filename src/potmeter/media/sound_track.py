"""The sound of a film, put into another as it was coded."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from potmeter.notices import note

COPIED = ("aac", "mp3", "ac3", "eac3", "alac")
"""Codings that every container we write can hold; others are coded anew, as AAC."""
NOT_IN_MOV = ("flac", "opus")
"""Codings that are copied too, but into QuickTime's."""


def add_sound(source: Any, target: Any) -> Iterator[Any]:
    """Add a stream for a container's first sound to another.

    Returns:
        The sound's packets, which are to be written between those of the pictures.
    """
    import av

    stream = source.streams.audio[0]
    if stream.codec_context.name in (COPIED if target.format.name == "mov" else COPIED + NOT_IN_MOV):
        return until_broken(copy_packets(source, stream, target.add_stream_from_template(stream)))
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    rate = stream.rate if stream.rate in (av.Codec("aac", "w").audio_rates or ()) else 48_000
    return until_broken(code_anew(source, stream, target.add_stream("aac", rate=rate, layout=layout)))


def until_broken(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets as far as they can be read."""
    import av

    try:
        yield from packets
    except av.FFmpegError as error:
        note(f"The sound breaks off: {error.strerror}.")


def copy_packets(source: Any, stream: Any, out: Any) -> Iterator[Any]:
    """All packets of a stream, for another that was made for them."""
    for packet in source.demux(stream):
        if packet.dts is not None:
            packet.stream = out
            yield packet


def code_anew(source: Any, stream: Any, out: Any) -> Iterator[Any]:
    """A stream's sound, decoded and coded again."""
    from fractions import Fraction

    import av

    resampler = av.AudioResampler(format="fltp", layout=out.layout, rate=out.rate, frame_size=1024)
    samples = 0
    for frame in chain(source.decode(stream), [None]):  # None: what is left
        for piece in resampler.resample(frame):
            piece.pts, piece.time_base = samples, Fraction(1, out.rate)
            samples += piece.samples
            yield from out.encode(piece)
    yield from out.encode()
