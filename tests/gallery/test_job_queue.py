"""Work at the queue: in order, a few at a time, never two on one model, watched and stopped."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from potmeter.core.progress import Stopped, progress
from potmeter.errors import UserError
from potmeter.gallery.job_queue import MAX_WAITING, JobQueue, JobStopped


def finished(coroutine):
    """What a coroutine gives, run in a thread of its own: this one may have a browser's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def followed(queue, job):
    """What is told of a job until it has finished."""

    async def follow():
        return [(one.started, one.label, one.done, one.result) async for one in queue.follow(job)]

    return finished(follow())


def test_a_job_gives_its_result_and_its_error():
    queue = JobQueue(2)
    job = queue.submit("a", lambda: 7)
    followed(queue, job)
    assert job.result == 7 and job.error is None
    job = queue.submit("a", lambda: 1 / 0)
    followed(queue, job)
    assert isinstance(job.error, ZeroDivisionError)


def test_growing_results_are_seen_as_they_grow():
    queue = JobQueue(1)

    def grow():
        for n in range(1, 6):
            time.sleep(0.1)
            yield n

    job = queue.submit("a", grow)
    seen = [result for *_, result in followed(queue, job) if result]
    assert seen[-1] == 5 and len(seen) >= 3 and seen == sorted(seen)


def test_progress_is_told():
    queue = JobQueue(1)
    job = queue.submit("a", lambda: [time.sleep(0.05) for _ in progress(range(10), "counting")])
    told = {done for _, label, done, _ in followed(queue, job) if label == "counting"}
    assert len(told) >= 3


def test_never_two_jobs_work_on_one_model_and_never_more_than_there_are_places():
    queue, now, most, lock = JobQueue(3), {}, {"a": 0, "b": 0, "all": 0}, threading.Lock()

    def work(key):
        with lock:
            now[key] = now.get(key, 0) + 1
            most[key] = max(most[key], now[key])
            most["all"] = max(most["all"], sum(now.values()))
        time.sleep(0.03)
        with lock:
            now[key] -= 1

    jobs = [queue.submit(key, lambda key=key: work(key)) for key in "aababbab"]
    while not all(job.finished for job in jobs):
        time.sleep(0.01)
    assert most == {"a": 1, "b": 1, "all": 2}


def test_jobs_on_one_model_run_in_the_order_they_came():
    queue, order = JobQueue(2), []
    jobs = [queue.submit("a", lambda n=n: order.append(n)) for n in range(20)]
    while not all(job.finished for job in jobs):
        time.sleep(0.01)
    assert order == list(range(20))


def test_a_job_that_nobody_follows_any_more_stops():
    queue, steps = JobQueue(1), []

    def work():
        for step in progress(range(10_000), "long"):
            steps.append(step)
            time.sleep(0.005)

    job = queue.submit("a", work)

    async def leave():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run(), 0.3)

    async def run():
        async for _ in queue.follow(job):
            pass

    finished(leave())
    for _ in range(200):
        if job.finished:
            break
        time.sleep(0.01)
    assert isinstance(job.error, JobStopped) and len(steps) < 1000


def test_one_that_waits_never_begins_when_it_is_stopped():
    queue, gate, begun = JobQueue(1), threading.Event(), []
    first = queue.submit("a", lambda: gate.wait(10))
    second, third = queue.submit("a", lambda: begun.append(2)), queue.submit("a", lambda: begun.append(3))
    second.stop()
    gate.set()
    while not (first.finished and second.finished and third.finished):
        time.sleep(0.01)
    assert begun == [3] and isinstance(second.error, JobStopped)


def test_one_that_waits_knows_its_place_and_about_how_long():
    queue, gate = JobQueue(2), threading.Event()
    queue.durations = {"short": 10.0, "long": 60.0}
    running = [queue.submit("a", lambda: gate.wait(10), "long"), queue.submit("b", lambda: gate.wait(10), "short")]
    waiting = [queue.submit(key, lambda: None, kind) for key, kind in (("a", "long"), ("b", "short"), ("c", "short"))]
    places, seconds = zip(*(queue.forecast(job) for job in waiting), strict=True)
    assert places == (1, 2, 3)
    # the model of the first is in use for a minute, that of the second for ten seconds; the third needs a free worker
    assert seconds == pytest.approx((60, 10, 20), abs=1)
    assert queue.forecast(running[0]) == (0, 0.0)
    unknown = [queue.submit("d", lambda: None, "never seen"), queue.submit("e", lambda: None, "short")]
    assert queue.forecast(unknown[0])[1] == pytest.approx(30, abs=1) and queue.forecast(unknown[1]) == (5, None)
    for job in [*waiting, *unknown]:
        job.stop()
    gate.set()


def test_a_job_of_several_ends_only_when_the_last_has_left():
    queue, gate = JobQueue(1), threading.Event()
    job = queue.submit("a", lambda: gate.wait(20))

    async def follow():
        one, two = (asyncio.create_task(watch(owner)) for owner in ("one", "two"))
        await asyncio.sleep(0.2)
        queue.stop("one")
        with pytest.raises(JobStopped):
            await one
        assert not job.stopped, "the other one still waits for it"
        gate.set()
        return await two

    async def watch(owner):
        async for seen in queue.follow(job, owner):
            last = seen.finished
        return last

    assert finished(follow()) and job.error is None


def test_a_queue_that_is_full_sends_people_away():
    queue, gate = JobQueue(1), threading.Event()
    jobs = [queue.submit("a", lambda: gate.wait(10)) for _ in range(MAX_WAITING + 1)]
    with pytest.raises(UserError, match="Too many are waiting"):
        queue.submit("a", lambda: None)
    for job in jobs:
        job.stop()
    gate.set()


def test_an_owner_stops_what_is_theirs_and_hears_of_it_at_once():
    queue, gate, begun = JobQueue(1), threading.Event(), []
    deaf = queue.submit("a", lambda: gate.wait(20))  # it never reports
    mine, other = queue.submit("a", lambda: begun.append("mine")), queue.submit("a", lambda: begun.append("other"))

    async def watch(job, owner):
        async for _ in queue.follow(job, owner):
            pass

    async def follow():
        stopped = [asyncio.create_task(watch(job, "mine")) for job in (deaf, mine)]
        left = asyncio.create_task(watch(other, "other"))
        asyncio.get_running_loop().call_later(0.2, queue.stop, "mine")
        for one in stopped:
            with pytest.raises(JobStopped):
                await one
        assert not deaf.finished, "told while the work still goes on"
        gate.set()
        await left

    finished(follow())
    assert begun == ["other"] and isinstance(mine.error, JobStopped)


def test_what_a_stopped_job_has_made_so_far_comes_last():
    queue, words = JobQueue(1), []

    def speak():
        try:
            for word in progress(range(10_000), "speaking"):
                words.append(word)
                time.sleep(0.005)
        except Stopped:
            yield words
            raise

    job = queue.submit("a", speak)

    async def follow():
        asyncio.get_running_loop().call_later(0.2, queue.stop, "mine")
        with pytest.raises(JobStopped):
            async for _ in queue.follow(job, "mine"):
                assert job.version == 0
        await queue.settle(job)

    finished(follow())
    assert job.finished and job.version == 1 and job.result == words and 0 < len(words) < 1000
