"""Jobs of several users: a few run at a time, in the order they came, each to be watched and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from potmeter.core.progress import Stopped, reporter
from potmeter.errors import UserError

WORKERS = max(1, min(4, (os.cpu_count() or 2) // 2 + 1))
"""Jobs that run at the same time. Each uses all cores, so more would only make every one of them slower."""
MAX_WAITING = 200
"""Jobs in the queue; whoever comes then is sent away."""
POLL_INTERVAL = 0.08
"""Seconds between two looks at a job that goes on."""
PATIENCE = 1.0
"""Seconds that a stopped job has to give what it has made so far."""


class JobStopped(Stopped):
    """Somebody pressed Stop, or left."""


@dataclass(eq=False)
class Watcher:
    """Somebody who follows a job."""

    owner: str | None
    """The tab that asked for it."""
    wake: Callable[[], object]
    left: bool = False
    """Whether they pressed Stop."""


class Job:
    """One call: how far it is, the newest result, and the error if it ended with one.

    Args:
        key: What it works on. Of jobs with the same key never two run at once: they share one model.
        work: The work itself. An iterator that it returns is followed to its end.
        kind: What jobs that take about as long have in common, for the forecast of waiting times.
    """

    def __init__(self, key: str, work: Callable[[], Any], kind: str = "") -> None:
        self.key, self.work, self.kind = key, work, kind
        self.label, self.done, self.total = "", 0, None
        self.result: Any = None
        self.error: BaseException | None = None
        self.version, self.started, self.finished, self.stopped = 0, 0.0, False, False
        self.watchers: list[Watcher] = []

    label: str
    done: int
    total: int | None
    started: float
    """When it began, by the monotonic clock; 0 while it waits."""

    def report(self, label: str, done: int, total: int | None) -> None:
        """What ``core.progress`` calls: the place where a stopped job ends."""
        if self.stopped:
            raise JobStopped
        self.label, self.done, self.total = label, done, total
        self.wake()

    def run(self) -> None:
        """Do the work, in whatever thread this is called."""
        token = reporter.set(self.report)
        try:
            self.report("", 0, None)
            result = self.work()
            for self.result in result if isinstance(result, Iterator) else [result]:
                self.version += 1
                self.report(self.label, self.done, self.total)
        except BaseException as error:  # whoever follows the job is told
            self.error = error
        finally:
            reporter.reset(token)

    def stop(self) -> None:
        """End the job as soon as it next reports; one that has not begun never will. Whoever follows it hears at once."""
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        """Tell everybody who follows the job that there is news."""
        for watcher in list(self.watchers):
            watcher.wake()


class JobQueue:
    """Takes jobs and runs them, ``workers`` at a time."""

    def __init__(self, workers: int = WORKERS) -> None:
        self.workers = workers
        self.pool = ThreadPoolExecutor(
            workers, "work"
        )  # the same threads again and again: torch keeps helpers for each
        self.lock = threading.Lock()
        self.waiting: list[Job] = []
        self.running: dict[str, Job] = {}
        self.durations: dict[str, float] = {}
        """Seconds that a job of each kind took, the mean of all with the newest counted most."""

    def submit(self, key: str, work: Callable[[], Any], kind: str = "") -> Job:
        """Queue a call; arguments as of ``Job``. Raises UserError when too many are waiting."""
        job = Job(key, work, kind)
        with self.lock:
            if len(self.waiting) >= MAX_WAITING:
                raise UserError("Too many are waiting already: try again later.", received=f"{len(self.waiting)} jobs")
            self.waiting.append(job)
            self.dispatch()
        return job

    def dispatch(self) -> None:
        """Start what can be started; called with the lock held."""
        for job in list(self.waiting):
            if job.stopped:
                self.waiting.remove(job)
                job.error, job.finished = JobStopped(), True
            elif len(self.running) < self.workers and job.key not in self.running:
                self.waiting.remove(job)
                self.running[job.key] = job
                job.started = time.monotonic()
                self.pool.submit(self.run, job)

    def run(self, job: Job) -> None:
        """Run a job, then give its worker to the next."""
        job.run()
        with self.lock:
            if job.error is None:
                seconds = time.monotonic() - job.started
                self.durations[job.kind] = (self.durations.get(job.kind, seconds) + seconds) / 2
            del self.running[job.key]
            job.finished = True
            self.dispatch()
        job.wake()

    def stop(self, owner: str | None) -> None:
        """Take one owner from all that they follow; what nobody else follows stops."""
        with self.lock:
            for job in [*self.waiting, *self.running.values()]:
                for watcher in [watcher for watcher in job.watchers if watcher.owner == owner]:
                    watcher.left = True
                    watcher.wake()

    def forecast(self, job: Job) -> tuple[int, float | None]:
        """A waiting job's place in the queue, from 1, and in how many seconds it will begin; None where nobody knows."""
        with self.lock:
            if job not in self.waiting:
                return 0, 0.0
            place, now, waiting = self.waiting.index(job) + 1, time.monotonic(), list(self.waiting)
            ends = {
                key: self.durations.get(one.kind, math.nan) - now + one.started for key, one in self.running.items()
            }
        clock = 0.0
        ends = {key: end if math.isnan(end) else max(1.0, end) for key, end in ends.items()}  # the late end soon
        while True:  # play the dispatcher forward
            for other in list(waiting):
                if len(ends) < self.workers and other.key not in ends:
                    if other is job:
                        return place, clock
                    ends[other.key] = clock + self.durations.get(other.kind, math.nan)
                    waiting.remove(other)
            if any(math.isnan(end) for end in ends.values()):
                return place, None
            clock = min(ends.values())
            ends = {key: end for key, end in ends.items() if end > clock}

    async def settle(self, job: Job) -> None:
        """Wait until a stopped job has ended, for a moment at most: what it has made so far comes last."""
        until = time.monotonic() + PATIENCE
        while job.stopped and not job.finished and time.monotonic() < until:
            await asyncio.sleep(POLL_INTERVAL)

    async def follow(self, job: Job, owner: str | None = None) -> AsyncIterator[Job]:
        """Yield the job whenever there is news of it, and when it has finished; stop it when its last follower leaves.

        Raises:
            JobStopped: When ``owner`` was taken from it by ``stop``.
        """
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        watcher = Watcher(owner, wake)
        with self.lock:
            job.watchers.append(watcher)
        try:
            while not job.finished:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):  # while it waits, others before it may finish
                        await news.wait()
                news.clear()
                if watcher.left or job.stopped:
                    raise JobStopped  # at once; the work itself ends when it next reports
                if not job.finished:
                    yield job
                    await asyncio.sleep(POLL_INTERVAL)
            yield job
        finally:
            with self.lock:
                job.watchers.remove(watcher)
                if not job.watchers:
                    job.stop()
                self.dispatch()
