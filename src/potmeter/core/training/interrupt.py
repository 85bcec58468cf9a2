"""Ctrl-C, and SIGTERM, as a wish that is granted when a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Whether this process was asked to stop."""

    asked = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Turn Ctrl-C and SIGTERM into ``asked``; a second Ctrl-C stops at once."""

        def ask(number: int, frame: object) -> None:
            if self.asked:
                raise KeyboardInterrupt
            self.asked = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
