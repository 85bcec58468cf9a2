"""Standard output and error that no reader, and no encoding, can turn into a traceback."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class UnbreakableStream:
    """A text stream that goes on, unheard, when its reader or its terminal has gone: a log is not worth a training."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write, or drop, a text."""
        try:
            self.stream.write(text)
        except OSError:
            self.silence()
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        try:
            self.stream.flush()
        except OSError:
            self.silence()

    def silence(self) -> None:
        """Let everything go nowhere from now on, what other libraries write to this file included."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def harden_streams() -> Iterator[None]:
    """For a command: characters that an encoding lacks are replaced, and standard error outlives its reader.

    Standard output keeps its ``BrokenPipeError``: who reads no further needs no more of the result.
    """
    output, error = sys.stdout, sys.stderr
    policies = [(stream, stream.errors) for stream in (output, error) if isinstance(stream, io.TextIOWrapper)]
    for stream, _ in policies:
        stream.reconfigure(errors="replace")
    sys.stderr = UnbreakableStream(error)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stderr = error
        for stream, policy in policies:
            with suppress(OSError, ValueError):  # what is still in its buffer has no reader
                stream.reconfigure(errors=policy)
