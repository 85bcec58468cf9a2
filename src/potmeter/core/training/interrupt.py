"""Ctrl-C, and SIGTERM, as a wish that is granted when a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Whether this process was asked to stop."""

    requested = False

    @contextmanager
    def catch_signals(self) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into ``requested``; a second Ctrl-C stops at once."""

        def ask(number: int, frame: object) -> None:
            if self.requested:
                raise KeyboardInterrupt
            self.requested = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
