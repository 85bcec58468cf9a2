"""Videos."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from potmeter.errors import UserError, reject
from potmeter.media.medium import MAX_PIXELS, Medium, data_uri, describe, read_bytes
from potmeter.media.provenance import Provenance, read_provenance
from potmeter.media.sound_track import put_sound, take_sound

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Video(Medium):
    """A video.

    Args:
        frames: uint8 array of shape (time, height, width, 3).
        fps: Frames per second.
        caption: A line that stands below it.
        score: What was reached in it, a number to compare by; None where nothing is played for.
        sound: What is heard, as ``take_sound`` takes it out of a file; empty for a silent one.
        provenance: What its file says, or will say, of how it came about; None where that is nothing.
    """

    frames: np.ndarray
    fps: float = 12.0
    caption: str = ""
    score: float | None = None
    sound: bytes = b""
    provenance: Provenance | None = None

    suffix = ".mp4"
    formats = (".mp4", ".mov", ".mkv")
    noun = "a video"
    suffixes = (".mp4", ".webm", ".mov", ".avi", ".mkv")

    def __post_init__(self) -> None:
        shape: tuple[int, ...] = getattr(self.frames, "shape", ())
        kind = str(getattr(self.frames, "dtype", type(self.frames)))
        if len(shape) != 4 or shape[3] != 3 or 0 in shape or kind != "uint8":
            reject("Video takes uint8 frames of shape (time, height, width, 3).", f"{kind} of shape {tuple(shape)}")
        self.fps > 0 or reject("A video has a positive number of frames per second.", self.fps)

    @classmethod
    def open(cls, path: str | Path) -> Video:
        """Read the first video stream, whole, and the first sound as it was coded."""
        import av
        import numpy as np

        data = read_bytes(path)
        try:
            with av.open(io.BytesIO(data), "r") as container:
                stream, frames, pixels = container.streams.video[0], [], 0
                for frame in container.decode(stream):
                    pixels += frame.width * frame.height
                    pixels <= 10 * MAX_PIXELS or reject(
                        f"{path} is too long a video.", f"over {10 * MAX_PIXELS:,} pixels"
                    )
                    frames.append(frame.to_ndarray(format="rgb24"))
                rate = float(stream.average_rate or 12)
            return cls(np.stack(frames), rate, sound=take_sound(data), provenance=read_provenance(data))
        except (av.FFmpegError, IndexError, ValueError):
            raise UserError(f"{path} is not a video of a known format.", received=describe(data)) from None

    def encode(self, suffix: str) -> bytes:
        from fractions import Fraction

        import av

        self.check_format(suffix)
        buffer, (height, width) = io.BytesIO(), self.frames.shape[1:3]
        with av.open(buffer, "w", format="matroska" if suffix == ".mkv" else suffix[1:]) as container:
            stream = container.add_stream("libx264", rate=Fraction(self.fps).limit_denominator(1000))
            stream.width, stream.height = width - width % 2, height - height % 2  # the codec takes even sizes only
            stream.pix_fmt, stream.options = "yuv420p", {"crf": "18"}
            write_sound = put_sound(self.sound, container) if self.sound else None
            if self.provenance:
                container.metadata["comment"] = self.provenance.xmp()
            for pixels in self.frames[:, : stream.height, : stream.width]:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
            if write_sound:
                write_sound()
        return buffer.getvalue()

    def html(self) -> str:
        video = f'<video controls loop autoplay muted playsinline src="{data_uri(self, ".mp4")}"></video>'
        return f'{video}<p class="caption">{html.escape(self.caption)}</p>' if self.caption else video

    def json(self) -> dict[str, float | str]:
        height, width = self.frames.shape[1:3]
        told = {"caption": self.caption, "score": self.score}
        known = {key: value for key, value in told.items() if value not in ("", None)}
        return {"frames": len(self.frames), "height": height, "width": width, "fps": self.fps} | known
