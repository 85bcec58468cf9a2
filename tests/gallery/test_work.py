"""Work at the desk: in order, a few at a time, never two on one model, watched and stopped."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from potmeter.core.progress import progress
from potmeter.errors import UserError
from potmeter.gallery.work import MOST_WAITING, Desk, Stopped


def finished(coroutine):
    """What a coroutine gives, run in a thread of its own: this one may have a browser's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def followed(desk, job):
    """What is told of a job until it has finished."""

    async def follow():
        return [(one.started, one.label, one.done, one.result) async for one in desk.follow(job)]

    return finished(follow())


def test_a_job_gives_its_result_and_its_error():
    desk = Desk(2)
    job = desk.submit("a", lambda: 7)
    followed(desk, job)
    assert job.result == 7 and job.error is None
    job = desk.submit("a", lambda: 1 / 0)
    followed(desk, job)
    assert isinstance(job.error, ZeroDivisionError)


def test_growing_results_are_seen_as_they_grow():
    desk = Desk(1)

    def grow():
        for n in range(1, 6):
            time.sleep(0.1)
            yield n

    job = desk.submit("a", grow)
    seen = [result for *_, result in followed(desk, job) if result]
    assert seen[-1] == 5 and len(seen) >= 3 and seen == sorted(seen)


def test_progress_is_told():
    desk = Desk(1)
    job = desk.submit("a", lambda: [time.sleep(0.05) for _ in progress(range(10), "counting")])
    told = {done for _, label, done, _ in followed(desk, job) if label == "counting"}
    assert len(told) >= 3


def test_never_two_jobs_work_on_one_model_and_never_more_than_there_are_places():
    desk, now, most, lock = Desk(3), {}, {"a": 0, "b": 0, "all": 0}, threading.Lock()

    def work(key):
        with lock:
            now[key] = now.get(key, 0) + 1
            most[key] = max(most[key], now[key])
            most["all"] = max(most["all"], sum(now.values()))
        time.sleep(0.03)
        with lock:
            now[key] -= 1

    jobs = [desk.submit(key, lambda key=key: work(key)) for key in "aababbab"]
    while not all(job.finished for job in jobs):
        time.sleep(0.01)
    assert most == {"a": 1, "b": 1, "all": 2}


def test_jobs_on_one_model_run_in_the_order_they_came():
    desk, order = Desk(2), []
    jobs = [desk.submit("a", lambda n=n: order.append(n)) for n in range(20)]
    while not all(job.finished for job in jobs):
        time.sleep(0.01)
    assert order == list(range(20))


def test_a_job_that_nobody_follows_any_more_stops():
    desk, steps = Desk(1), []

    def work():
        for step in progress(range(10_000), "long"):
            steps.append(step)
            time.sleep(0.005)

    job = desk.submit("a", work)

    async def leave():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run(), 0.3)

    async def run():
        async for _ in desk.follow(job):
            pass

    finished(leave())
    for _ in range(200):
        if job.finished:
            break
        time.sleep(0.01)
    assert isinstance(job.error, Stopped) and len(steps) < 1000


def test_one_that_waits_knows_how_many_are_before_it_and_never_begins_when_it_is_stopped():
    desk, gate, begun = Desk(1), threading.Event(), []
    first = desk.submit("a", lambda: gate.wait(10))
    second, third = desk.submit("a", lambda: begun.append(2)), desk.submit("a", lambda: begun.append(3))
    assert (desk.before(second), desk.before(third)) == (0, 1)
    second.stop()
    gate.set()
    while not (first.finished and second.finished and third.finished):
        time.sleep(0.01)
    assert begun == [3] and isinstance(second.error, Stopped)


def test_a_queue_that_is_full_sends_people_away():
    desk, gate = Desk(1), threading.Event()
    jobs = [desk.submit("a", lambda: gate.wait(10)) for _ in range(MOST_WAITING + 1)]
    with pytest.raises(UserError, match="Too many are waiting"):
        desk.submit("a", lambda: None)
    for job in jobs:
        job.stop()
    gate.set()


def test_an_owner_stops_what_is_theirs_and_hears_of_it_at_once():
    desk, gate, begun = Desk(1), threading.Event(), []
    deaf = desk.submit("a", lambda: gate.wait(20), "mine")  # it never reports
    queued, others = (
        desk.submit("a", lambda: begun.append("mine"), "mine"),
        desk.submit("a", lambda: begun.append("other")),
    )

    async def follow():
        asyncio.get_running_loop().call_later(0.2, desk.stop, "mine")
        async for job in desk.follow(deaf):
            if job.stopped:
                return not job.finished
        return False

    assert finished(follow()), "told while the work still goes on"
    gate.set()
    while not (deaf.finished and queued.finished and others.finished):
        time.sleep(0.01)
    assert begun == ["other"] and isinstance(queued.error, Stopped)
