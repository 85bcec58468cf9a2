"""Results that several visitors look at: computed once, then shown to whoever comes next."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from potmeter.gallery.call import Call
from potmeter.gallery.job_queue import Job
from potmeter.presentation.markup import Html

MAX_CHARACTERS = 64 * 2**20
"""Characters of all the results that are kept; the longest unseen goes first."""


@dataclass(frozen=True)
class Result:
    """What a finished call left on the page."""

    html: Html
    calls: Html
    """The command and the Python call."""
    query: str
    """The end of the address that brings it back."""
    seconds: float
    """How long it took."""
    sound: float
    """Seconds of the longest sound in it, or 0."""


class ResultCache:
    """Finished results by what was asked, and the jobs whose results are about to come."""

    def __init__(self, most: int = MAX_CHARACTERS) -> None:
        self.most, self.lock = most, threading.Lock()
        self.results: OrderedDict[Hashable, Result] = OrderedDict()
        self.running: dict[Hashable, tuple[Call, Job]] = {}

    def get(self, key: Hashable) -> Result | None:
        """The result of what was asked, where it is known."""
        with self.lock:
            if key in self.results:
                self.results.move_to_end(key)
            return self.results.get(key)

    def put(self, key: Hashable, result: Result) -> None:
        """Keep a result."""
        with self.lock:
            self.results[key] = result
            self.results.move_to_end(key)
            while len(self.results) > 1 and sum(len(one.html) for one in self.results.values()) > self.most:
                self.results.popitem(last=False)

    def share(self, key: Hashable, start: Callable[[], tuple[Call, Job]]) -> tuple[Call, Job]:
        """The job that is under way for what was asked, or a new one."""
        with self.lock:
            call, job = self.running.get(key, (None, None))
            if call is None or job is None or job.finished or job.stopped:
                self.running = {k: v for k, v in self.running.items() if not v[1].finished}
                self.running[key] = call, job = start()
            return call, job
