"""What all pages share: the job queue, the loaded models, the demos, known results."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import torch
from starlette.concurrency import run_in_threadpool

from potmeter.gallery.demos import Demos
from potmeter.gallery.job_queue import WORKERS, JobQueue
from potmeter.gallery.model_cache import ModelCache, check_weights, model_key, weight_choices
from potmeter.gallery.result_cache import ResultCache
from potmeter.presentation.errors import explain
from potmeter.registry import Entry

T = TypeVar("T")


class Services:
    """Job queue, models, demos and results of a gallery."""

    def __init__(self, root_path: str = "") -> None:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // WORKERS))  # jobs run side by side: cores are shared out
        self.root_path = root_path
        self.queue, self.models, self.results = JobQueue(), ModelCache(), ResultCache()
        self.demos = Demos(self.models)
        self.demo_slots = asyncio.Semaphore(WORKERS)

    def default_weights(self, entry: Entry) -> str | None:
        """The weights, or the model, where none are named."""
        return next(iter(weight_choices(entry)), None)

    async def prepare(self, entry: Entry, weights: str | None, work: Callable[[], T]) -> T:
        """Do a little work on a model: at once where it is loaded, else in the queue's turn, which loads it."""
        if self.models.is_ready(entry, weights):
            return await run_in_threadpool(work)
        job = self.queue.submit(model_key(entry, weights), work)
        async for _ in self.queue.follow(job):
            pass
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    async def run_action(self, entry: Entry, weights: str | None, value: Any, action: Any) -> AsyncIterator[str]:
        """The lines of a demo's action, which waits its turn in the queue like any work."""
        try:
            check_weights(entry, weights)
            key, seen = model_key(entry, weights), 0
            job = self.queue.submit(key, lambda: self.demos.run_action(entry, weights, value, action))
            async for _ in self.queue.follow(job):
                if job.version > seen:
                    seen = job.version
                    yield json.dumps(job.result) + "\n"
            if job.error is not None:
                raise job.error
        except Exception as error:  # of whatever task: who asked is told, and the server goes on
            yield json.dumps({"error": explain(error)}) + "\n"
