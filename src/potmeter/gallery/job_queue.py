"""Work for several users at once: a few jobs at a time, in the order they came, each to be watched and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from potmeter.core.progress import reporter
from potmeter.errors import UserError

WORKERS = max(1, min(4, (os.cpu_count() or 2) // 2 + 1))
"""Jobs that run at the same time. Each uses all cores, so more would only make every one of them slower."""
MAX_WAITING = 200
"""Jobs in the queue; whoever comes then is sent away."""
POLL_INTERVAL = 0.08
"""Seconds between two looks at a job that goes on."""


class JobStopped(Exception):
    """Somebody pressed Stop, or left."""


class Job:
    """One call: where it stands, what has come of it so far, and what came of it in the end.

    Args:
        key: What it works on. Of jobs with the same key never two run at once: they share one model.
        call: The work itself. An iterator that it returns is followed to its end.
        owner: Whose it is: the tab it was asked for in.
    """

    def __init__(self, key: str, call: Callable[[], Any], owner: str | None = None) -> None:
        self.key, self.call, self.owner = key, call, owner
        self.label, self.done, self.total = "", 0, None
        self.result: Any = None
        self.error: BaseException | None = None
        self.version, self.started, self.finished, self.stopped = 0, False, False, False
        self.wake: Callable[[], object] = lambda: None

    label: str
    done: int
    total: int | None

    def report(self, label: str, done: int, total: int | None) -> None:
        """What ``core.log.progress`` calls: the place where a stopped job ends."""
        if self.stopped:
            raise JobStopped
        self.label, self.done, self.total = label, done, total
        self.wake()

    def run(self) -> None:
        """Do the work, in whatever thread this is called."""
        token = reporter.set(self.report)
        try:
            self.report("", 0, None)
            result = self.call()
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

    def submit(self, key: str, call: Callable[[], Any], owner: str | None = None) -> Job:
        """Queue a call. Raises UserError when too many are waiting."""
        job = Job(key, call, owner)
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
                job.started = True
                self.pool.submit(self.work, job)

    def work(self, job: Job) -> None:
        """Run a job, then give its place to the next."""
        job.run()
        with self.lock:
            del self.running[job.key]
            job.finished = True
            self.dispatch()
        job.wake()

    def stop(self, owner: str | None) -> None:
        """Stop whatever is queued or under way for one owner."""
        with self.lock:
            for job in [*self.waiting, *self.running.values()]:
                if job.owner == owner:
                    job.stop()
            self.dispatch()

    def position(self, job: Job) -> int:
        """How many jobs wait before this one."""
        with self.lock:
            return self.waiting.index(job) if job in self.waiting else 0

    async def follow(self, job: Job) -> AsyncIterator[Job]:
        """Yield the job whenever there is news of it, and when it has finished; stop it when nobody follows any more."""
        loop, news = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        job.wake = wake
        try:
            while not job.finished:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), 1.0)  # while it waits, others before it may finish
                news.clear()
                if not job.finished:
                    yield job
                    await asyncio.sleep(POLL_INTERVAL)
            yield job
        finally:
            job.stop()
            with self.lock:
                self.dispatch()
