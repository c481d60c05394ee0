"""Cases in which a timeout is easily wrong: interruptions anywhere, signals, odd clocks, late results, broken pieces."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import threading
import time
from contextvars import Context, copy_context
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    TimeoutManager,
    current_deadline,
    deadline,
    with_retry,
    with_timeout,
)
from holdfast._runtime import workers
from holdfast._runtime.leftovers import Hold, Ledger, holding
from holdfast.testing import VirtualClock

LONG = 60.0


@pytest.fixture(autouse=True)
def _new_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_crew", workers._Crew())


def until_nothing_is_left_behind(manager: TimeoutManager) -> None:
    while manager.metrics.left_behind:
        time.sleep(0)


@pytest.mark.parametrize("inside", ["alone", "in a bulkhead", "in a retry"])
def test_promise_3_an_interrupt_at_any_point_costs_no_worker_and_no_permit(inside: str) -> None:
    interrupted = 0
    manager = TimeoutManager()
    guard = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))

    def work() -> str:
        return "done"

    call: Any = manager.protect(work, timeout=5)
    if inside == "in a bulkhead":
        call = guard.protect(call)
    elif inside == "in a retry":
        call = with_retry(attempt_timeout=5, timeout_mode="thread")(work)
    for number in range(600):
        with interrupt_at(number) as places:
            try:
                call()
            except Interrupted:
                interrupted += 1
            else:
                if not places:
                    break
        until_nothing_is_left_behind(manager)
        while not guard.stats.available:  # whoever still runs gives it back
            time.sleep(0)
        assert call() == "done", places
        assert current_deadline() is None
        assert holding.get() is None
        parked = sum(thread.name.startswith("holdfast-worker") for thread in threading.enumerate())
        assert workers.idle_workers() <= parked, places
    else:
        raise AssertionError("it never came through")
    assert interrupted > 20


def test_an_interrupted_wait_leaves_the_call_behind_until_it_ends() -> None:
    manager = TimeoutManager()
    let_go, began = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        let_go.wait(LONG)

    job = workers.Job("hang", hang, (), {}, manager.ledger, lambda _job: None)

    class Broken:
        def acquire(self, *_: Any, **__: Any) -> bool:
            assert began.wait(LONG)
            raise KeyboardInterrupt

        def release(self) -> None: ...

    job._over = Broken()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        job.run(LONG, workers.Pace())
    assert manager.metrics.left_behind == {"hang": 1}
    let_go.set()
    until_nothing_is_left_behind(manager)
    assert manager.execute(lambda: "fine", LONG) == "fine"


def test_an_interrupted_hand_over_is_struck_out_also_if_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager = TimeoutManager()
    ran = []
    job = workers.Job("never", lambda: ran.append(1), (), {}, manager.ledger, lambda _job: None)
    steps = iter([KeyboardInterrupt(), workers.NoWorkerError()])

    def hand_over(_job: workers.Job) -> None:
        raise next(steps)

    monkeypatch.setattr(workers, "_hand_over", hand_over)
    with pytest.raises(KeyboardInterrupt):
        job.run(LONG, workers.Pace())
    assert not manager.metrics.left_behind
    assert job.take()
    assert not job.perform(threading.current_thread())
    assert not ran


def test_no_job_is_done_twice() -> None:
    ran = []
    job = workers.Job("once", lambda: ran.append(1), (), {}, Ledger(1), lambda _job: None)
    jobs = workers._PlainJobs()
    other = workers.Job("other", lambda: ran.append(2), (), {}, Ledger(1), lambda _job: None)
    for each in (job, job, other):
        jobs.put(each)
    for _ in range(2):
        assert jobs.get().perform(threading.current_thread())
    assert ran == [1, 2]


def test_a_worker_that_is_interrupted_by_a_signal_goes_on_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = workers._Jobs()
    broken = [InterruptedError()]

    def read(_bell: int) -> int:
        while broken:
            raise broken.pop()
        return 1

    monkeypatch.setattr(os, "eventfd_read", read)
    job = workers.Job("x", lambda: None, (), {}, Ledger(1), lambda _job: None)
    jobs.put(job)
    assert jobs.get() is job


def test_a_late_coroutine_that_cannot_be_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    manager = TimeoutManager()
    let_go = threading.Event()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(LONG)
        finally:
            raise LookupError("secret")

    def slow() -> Any:
        let_go.wait(LONG)
        coroutine = stubborn()
        with asyncio.Runner() as runner:
            Context().run(_start, runner.get_loop(), coroutine)
        return coroutine

    with caplog.at_level(logging.ERROR, "holdfast.timeout"):
        with pytest.raises(OperationTimeoutError):
            manager.execute(slow, 0.01)
        let_go.set()
        until_nothing_is_left_behind(manager)
        while "closing a late result" not in caplog.text:
            time.sleep(0)
    assert "secret" not in caplog.text
    assert manager.execute(lambda: "fine", LONG) == "fine"


def _start(loop: asyncio.AbstractEventLoop, coroutine: Any) -> None:
    asyncio._set_running_loop(loop)
    try:
        coroutine.send(None)
    finally:
        asyncio._set_running_loop(None)


def test_what_has_no_time_left_after_its_plain_part_is_not_awaited() -> None:
    closed = []

    async def fetch() -> None:
        raise AssertionError("never begun")

    class Pending:
        def __await__(self) -> Any:
            raise AssertionError("never begun")

        def cancel(self) -> None:
            closed.append("cancelled")

    @with_timeout(1e-6, mode="cooperative", fallback="known")
    def begin(what: Any) -> Any:
        seen = current_deadline()
        assert seen is not None
        while not seen.expired:
            pass
        return what

    async def main() -> None:
        assert await begin(fetch()) == "known"
        assert await begin(Pending()) == "known"

    asyncio.run(main())
    assert closed == ["cancelled"]


def test_what_is_awaited_under_a_deadline_that_is_over_by_then_is_not_begun(clock: VirtualClock) -> None:
    async def fetch() -> None:
        raise AssertionError("never begun")

    manager = TimeoutManager(clock=clock)
    pending: Any = manager.protect(lambda: fetch(), timeout=10)()

    async def main() -> None:
        with DeadlineTracker(clock=clock).track(5, name="request"):
            clock.advance(6)
            with pytest.raises(DeadlineExceededError, match="was not begun: the deadline 'request'"):
                await pending

    asyncio.run(main())
    assert manager.metrics.refused == 1


def test_a_deadline_that_passes_just_before_an_attempt_is_the_attempts_outcome() -> None:
    class Hurrying(VirtualClock):
        def monotonic(self) -> float:
            self.advance(1)
            return super().monotonic()

    async def fetch() -> str:
        return "fetched"

    async def main(seconds: float) -> Any:
        with DeadlineTracker(clock=Hurrying()).track(seconds, name="request"):
            return await with_retry(attempt_timeout=LONG)(fetch)()

    outcomes = set()
    for seconds in range(1, 12):
        try:
            outcomes.add(run_virtual(main(seconds)))
        except DeadlineExceededError as error:
            outcomes.add(error.began)
            assert "the deadline 'request'" in str(error)
    assert outcomes == {False, "fetched"}


def test_a_hold_that_is_closed_elsewhere_is_released_all_the_same() -> None:
    released = []
    hold = Hold()
    copy_context().run(hold.open)
    hold.hide()
    hold.close(lambda: released.append(1))
    assert released == [1]
    never_open = Hold()
    never_open.close(lambda: released.append(2))
    assert released == [1, 2]


def test_a_scope_that_is_closed_in_another_context_changes_nothing_there() -> None:
    block = deadline(LONG)

    async def enter() -> None:
        await block.__aenter__()

    async def main() -> None:
        await asyncio.create_task(enter())
        await block.__aexit__(None, None, None)
        assert current_deadline() is None

    run_virtual(main())


def test_the_errors_cross_processes() -> None:
    with deadline(1e-9, name="request"), pytest.raises(DeadlineExceededError) as caught:
        while True:
            with_timeout(LONG)(lambda: None)()
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.limit, again.duration, again.began, str(again)) == (
        "the deadline 'request'",
        1e-9,
        False,
        str(caught.value),
    )


def test_the_wall_clock_may_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    limited = with_timeout(LONG)(lambda: "fine")
    for jump in (86_400, -86_400):
        with monkeypatch.context() as patch:
            now = time.time()
            patch.setattr(time, "time", lambda now=now, jump=jump: now + jump)
            assert limited() == "fine"
