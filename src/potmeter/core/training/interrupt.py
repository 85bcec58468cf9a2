"""Ctrl-C, SIGTERM and the end of the terminal (SIGHUP) as a wish that is granted when a step is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Windows has no SIGHUP."""


class Interrupt:
    """Whether this process was asked to stop."""

    requested = False

    @contextmanager
    def catch_signals(self) -> Iterator[None]:
        """Turn the signals into ``requested``; a second Ctrl-C stops at once."""

        def request(number: int, frame: object) -> None:
            if self.requested and number == signal.SIGINT:  # a terminal that is closed may send SIGHUP twice
                raise KeyboardInterrupt
            self.requested = True

        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may set handlers
            return
        # nohup ignores SIGHUP: such a training outlives its terminal
        caught = [n for n in SIGNALS if n == signal.SIGINT or signal.getsignal(n) is not signal.SIG_IGN]
        before = {number: signal.signal(number, request) for number in caught}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
