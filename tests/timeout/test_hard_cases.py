"""Cases in which a timeout is easily wrong: interruptions anywhere, signals, odd clocks, late results, broken pieces."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadTimeoutError,
    CircuitBreaker,
    CircuitBreakerConfig,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    RetryPolicy,
    TimeoutManager,
    WorkerLimitError,
    current_deadline,
    deadline,
    retrying,
    time_left,
    with_retry,
    with_timeout,
)
from holdfast._runtime import leftovers, workers
from holdfast._runtime.leftovers import Hold, Ledger, holding
from holdfast._runtime.timers import timers_of
from holdfast.contexts import innermost
from holdfast.testing import VirtualClock
from holdfast.timeout.marks import current

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
        assert innermost(holding.get()) is None
        parked = sum(thread.name.startswith("holdfast-worker") for thread in threading.enumerate())
        assert workers.idle_workers() <= parked, places
    else:
        raise AssertionError("it never came through")
    assert interrupted > 20


def until_idle() -> None:
    while not workers.idle_workers():
        time.sleep(0)


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

    job._over = Broken()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        job.run(lambda: LONG, workers.Pace())
    assert manager.metrics.left_behind == {"hang": 1}
    let_go.set()
    until_nothing_is_left_behind(manager)
    assert manager.execute(lambda: "fine", LONG) == "fine"


def test_an_interrupted_ring_calls_the_job_off_and_loses_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = TimeoutManager()
    manager.execute(lambda: None, LONG)
    until_idle()
    worker = workers._crew.idle[0]
    ring, ran = worker.ring, []

    def interrupted() -> None:
        worker.ring = ring
        raise KeyboardInterrupt

    worker.ring = interrupted
    job = workers.Job("never", lambda: ran.append(1), (), {}, manager.ledger, lambda _job: None)
    with pytest.raises(KeyboardInterrupt):
        job.run(lambda: LONG, workers.Pace())
    until_idle()
    assert not manager.metrics.left_behind
    assert not ran
    assert manager.execute(threading.current_thread, LONG).name == "holdfast-worker-1"


def test_no_job_is_done_twice() -> None:
    ran = []
    job = workers.Job("once", lambda: ran.append(1), (), {}, Ledger(1), lambda _job: None)
    assert job.perform(threading.current_thread()) is job._over
    assert job.perform(threading.current_thread()) is None
    assert ran == [1]


def test_a_job_that_ends_at_the_very_moment_it_is_left_is_no_leftover() -> None:
    ledger = Ledger(1)
    job = workers.Job("x", lambda: "there", (), {}, ledger, lambda _job: None)
    assert job.perform(threading.current_thread()) is not None
    assert not job._leave()
    assert job.value == "there"
    assert not ledger.jobs


def test_a_bell_may_be_rung_too_often() -> None:
    for bell in (workers.Bell(), workers.PlainBell()):
        bell.ring()
        bell.ring()
        bell.wait()
    manager = TimeoutManager()
    manager.execute(lambda: None, LONG)
    for _ in range(3):
        until_idle()
        workers._crew.idle[0].ring()
        assert manager.execute(threading.current_thread, LONG).name == "holdfast-worker-1"


def test_a_worker_that_is_interrupted_by_a_signal_goes_on_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = workers.Bell()
    broken = [InterruptedError()]

    def read(_descriptor: int) -> int:
        while broken:
            raise broken.pop()
        return 1

    monkeypatch.setattr(os, "eventfd_read", read)
    bell.wait()
    assert not broken


@pytest.mark.parametrize("moment", ["idle", "busy"])
def test_what_is_raised_in_a_worker_from_outside_costs_one_call_at_most(moment: str) -> None:
    code = f"""
import ctypes, threading, time
from holdfast import OperationTimeoutError, TimeoutManager
from holdfast._runtime import leftovers, workers
def strike(ident):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt))
def struck():
    strike(threading.get_ident())
    while True:
        time.sleep(0)
manager = TimeoutManager()
if {moment!r} == "idle":
    ident = manager.execute(threading.get_ident, 60)
    while not workers.idle_workers():
        time.sleep(0)
    strike(ident)
else:
    try:
        manager.execute(struck, 60)
    except KeyboardInterrupt:
        print("struck")
double = manager.protect(lambda number: 2 * number, timeout=1)
for number in range(20):
    try:
        assert double(number) == 2 * number
    except (KeyboardInterrupt, OperationTimeoutError):
        assert number == 0
"""
    # In a process of its own: whatever traces this one must not be struck.
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_a_worker_has_let_go_of_a_job_before_it_takes_another() -> None:
    manager = TimeoutManager()
    done = threading.Event()

    class Connection:
        def __del__(self) -> None:
            assert manager.execute(lambda: "closed", 1) == "closed"
            done.set()

    def hang(_: Connection) -> None:
        time.sleep(0.03)

    with pytest.raises(OperationTimeoutError):
        manager.execute(partial(hang, Connection()), 0.01)
    assert done.wait(LONG)


def test_a_system_without_another_descriptor_or_thread_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = TimeoutManager(max_left_behind=1)
    guard = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))
    call = guard.protect(manager.protect(lambda: "fine", timeout=LONG))

    def no_more(*_: Any) -> int:
        raise OSError(24, "Too many open files")

    for kind in (RuntimeError, MemoryError, OSError, RecursionError):

        def start(_thread: threading.Thread, kind: type[Exception] = kind) -> None:
            raise kind("no more")

        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            with pytest.raises(RecursionError if kind is RecursionError else WorkerLimitError):
                call()
    with monkeypatch.context() as patch:
        patch.setattr(os, "eventfd", no_more)
        assert call() == "fine"
    assert not manager.metrics.left_behind
    assert guard.stats.available == 1


def test_an_error_keeps_what_it_was_raised_from_when_the_caller_is_handling_another() -> None:
    def fail() -> None:
        try:
            _ = 1 // 0
        finally:
            raise ValueError

    try:
        raise KeyError
    except KeyError:
        with pytest.raises(ValueError) as caught:
            TimeoutManager().execute(fail, LONG)
    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_what_the_caller_sets_meanwhile_is_not_undone() -> None:
    level: ContextVar[int] = ContextVar("level", default=0)
    level.set(1)
    manager = TimeoutManager()
    began = threading.Event()
    waiting = threading.Event()

    def work() -> None:
        began.set()
        waiting.wait(LONG)

    job = workers.Job("work", work, (), {}, manager.ledger, lambda _job: None)

    class Waits:
        def acquire(self, timeout: float) -> bool:
            assert began.wait(LONG)
            level.set(2)  # as a signal handler would
            waiting.set()
            while not job._ended:
                time.sleep(0)
            return True

        def release(self) -> None: ...

    job._over = Waits()  # type: ignore[assignment]
    assert job.run(lambda: LONG, workers.Pace())
    assert level.get() == 2


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


def test_what_is_awaited_under_a_deadline_that_is_over_by_then_was_begun_all_the_same(clock: VirtualClock) -> None:
    async def fetch() -> None:
        raise AssertionError("never awaited")

    manager = TimeoutManager(clock=clock)

    async def main(pending: Any) -> Any:
        with DeadlineTracker(clock=clock).track(5, name="request"):
            clock.advance(6)
            return await pending

    with pytest.raises(DeadlineExceededError, match="was cut short: the deadline 'request'") as caught:
        asyncio.run(main(manager.protect(lambda: fetch(), timeout=10)()))
    assert caught.value.began
    assert asyncio.run(main(manager.protect(lambda: fetch(), timeout=10, fallback="known")())) == "known"


def test_of_both_limits_of_a_plain_part_the_first_one_is_named() -> None:
    async def fetch() -> None:
        raise AssertionError("never awaited")

    @with_timeout(1e-3, mode="cooperative")
    def begin() -> Any:
        seen = current_deadline()
        assert seen is not None
        until = time.monotonic() + 2e-3
        while time.monotonic() < until:
            pass
        return fetch()

    async def main() -> None:
        with deadline(5e-4, name="request"):
            await begin()

    with pytest.raises(DeadlineExceededError, match="the deadline 'request' of 0.0005 s") as caught:
        asyncio.run(main())
    assert caught.value.began


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
    hold.let_go(lambda: released.append(1))
    assert released == [1]
    never_open = Hold()
    never_open.hide()
    never_open.let_go(lambda: released.append(2))
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
    for protocol in range(pickle.HIGHEST_PROTOCOL):
        assert b"Limit" not in pickle.dumps(caught.value, protocol)
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


# A block that is left in another place than it was entered in limits nobody any more.


async def hang() -> str:
    await asyncio.sleep(LONG)
    return "not cut"


@pytest.mark.parametrize("left", ["half-way", "in another task", "in the wrong order", "in a retry"])
def test_a_block_that_is_over_limits_nobody_wherever_its_mark_was_left(left: str) -> None:
    async def pages() -> Any:
        if left == "in a retry":
            async for attempt in retrying(attempt_timeout=1):
                async with attempt:
                    yield 1
        else:
            async with deadline(1, name="page"):
                yield 1

    limited = with_timeout(2)(hang)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        if left in {"half-way", "in a retry"}:
            iterator = pages()
            await anext(iterator)
            await loop.create_task(iterator.aclose())
        elif left == "in another task":
            block = deadline(1, name="page")
            await block.__aenter__()
            await loop.create_task(block.__aexit__(None, None, None))
        else:
            first, second = deadline(1, name="first"), deadline(1, name="second")
            await first.__aenter__()
            await second.__aenter__()
            await first.__aexit__(None, None, None)
            await second.__aexit__(None, None, None)
        assert current_deadline() is None
        await asyncio.sleep(1.5)
        for _ in range(3):
            began = loop.time()
            with pytest.raises(OperationTimeoutError, match="timeout of 2 s"):
                await limited()
            assert loop.time() - began == pytest.approx(2)
        assert await with_retry(lambda: asyncio.sleep(0, "fine"))() == "fine"

    run_virtual(main())


def test_inside_an_open_block_a_call_is_cut_by_whichever_comes_first() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        for seconds, error in ((1.0, DeadlineExceededError), (5.0, OperationTimeoutError)):
            for _ in range(3):
                began = loop.time()
                with pytest.raises(error):
                    async with deadline(seconds, name="request"):
                        await limited()
                assert loop.time() - began == pytest.approx(min(seconds, 2))

    limited = with_timeout(2)(hang)
    run_virtual(main())


def test_a_timer_that_was_interrupted_as_it_began_to_fire_is_found_out() -> None:
    limited = with_timeout(2)(hang)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(OperationTimeoutError):
            await limited()
        timers = timers_of(loop)
        stuck = loop.create_task(limited())
        await asyncio.sleep(0)
        assert timers._handle is not None
        timers._handle.cancel()  # as if it had been interrupted: it is gone, and nobody has noticed
        await asyncio.sleep(10)
        with pytest.raises(OperationTimeoutError):
            await limited()
        with pytest.raises(OperationTimeoutError):
            await stuck

    run_virtual(main())


def test_a_limit_that_was_hit_by_another_call_of_the_same_function_is_not_ones_own(clock: VirtualClock) -> None:
    @TimeoutManager(clock=clock).decorator(5, {"mode": "cooperative", "fallback": "fallback"})
    def walk(depth: int) -> Any:
        clock.advance(4)
        return (depth, walk(depth - 1)) if depth else "leaf"

    assert walk(1) == (1, "leaf")
    assert walk(4) == "fallback"


def test_a_breaker_counts_a_call_that_a_limit_around_it_has_cut() -> None:
    async def main(how: str) -> Any:
        breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1, timeout=30 if how == "timed" else None))
        call = breaker.protect(hang)
        with pytest.raises(OperationTimeoutError):
            if how == "function":
                await with_timeout(1)(call)()
            else:
                async with deadline(1, name="request"):
                    await call()
        task = asyncio.ensure_future(breaker.protect(hang)() if breaker.state == "CLOSED" else asyncio.sleep(0))
        return (
            breaker.metrics.failed_requests,
            str(breaker.state),
            breaker.get_stats()["recent_failures"],
            task.cancel(),
        )

    for how in ("block", "timed", "function"):
        failed, state, told, _ = run_virtual(main(how))
        assert (failed, state) == (1, "OPEN")
        assert "cut short: the " in told[0]


def test_a_breaker_ignores_a_cancellation_that_is_no_limits() -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1))

    async def main() -> None:
        async def call() -> None:
            async with deadline(30):
                await breaker.protect(hang)()

        task = asyncio.ensure_future(call())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

        async def clean_up() -> None:
            async with deadline(1):
                try:
                    await asyncio.sleep(LONG)
                finally:
                    inner = asyncio.ensure_future(asyncio.sleep(LONG))
                    inner.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await breaker.protect(lambda: inner)()

        with pytest.raises(DeadlineExceededError):
            await clean_up()

    run_virtual(main())
    assert breaker.metrics.abandoned_requests == 1


def test_a_queue_does_not_wait_under_a_deadline_that_is_over() -> None:
    guard = Bulkhead(BulkheadConfig(max_concurrent=1, queue_timeout=None))

    async def main() -> None:
        async with guard.acquire_async():
            with pytest.raises(DeadlineExceededError):
                async with deadline(1):
                    try:
                        await asyncio.sleep(LONG)
                    finally:
                        with pytest.raises(BulkheadTimeoutError):
                            async with guard.acquire_async():
                                pass

    run_virtual(main())


def test_an_async_block_on_a_clock_of_the_tests_own_times_out(clock: VirtualClock) -> None:
    async def main() -> None:
        async with DeadlineTracker(clock=clock).track(10, name="request"):
            await clock.sleep_async(20)

    with pytest.raises(DeadlineExceededError, match="the deadline 'request' of 10 s is over"):
        asyncio.run(main())


def test_an_on_timeout_that_nobody_would_await_is_reported(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def notify(_error: object) -> None: ...

    with pytest.raises(OperationTimeoutError):
        TimeoutManager(clock=clock).execute(lambda: clock.sleep(2), 1, on_timeout=lambda error: notify(error))
    assert "on_timeout" in caplog.text


def test_a_huge_limit_under_a_deadline_that_is_over_is_refused_as_any_other() -> None:
    async def main() -> None:
        call = with_timeout(1e18)(lambda_async)
        assert await call() == "fine"
        async with deadline(1, name="request"):
            try:
                await asyncio.sleep(LONG)
            finally:
                with pytest.raises(DeadlineExceededError, match="not begun"):
                    await call()

    async def lambda_async() -> str:
        return "fine"

    with pytest.raises(DeadlineExceededError, match="the deadline 'request'"):
        run_virtual(main())


def test_in_a_forked_process_nothing_is_left_behind() -> None:
    ledger = Ledger(1)
    released = []
    hold = Hold()

    class Left:
        name = "left"

        def end(self) -> None:
            ledger.jobs.clear()
            hold.end()

    hold.add()
    hold.let_go(lambda: released.append(1))
    ledger.jobs[Left()] = None
    lock = ledger.lock
    leftovers._forget()
    assert not ledger.jobs
    assert released == [1]
    assert ledger.lock is not lock
    crew = workers._crew
    workers._disband()
    assert workers._crew is not crew


def test_a_permit_that_was_not_entered_can_be_left() -> None:
    guard = Bulkhead(BulkheadConfig(max_concurrent=1))
    guard.acquire().__exit__(None, None, None)
    assert guard.stats.available == 1


def test_a_whole_time_that_is_over_before_the_first_attempt_is_told_so() -> None:
    class Lid(VirtualClock):
        def monotonic(self) -> float:
            self.advance(10)  # a laptop's lid is closed again and again
            return super().monotonic()

    policies: list[Any] = [{}, {"timeout_mode": "thread"}]
    for fields in policies:
        with pytest.raises(DeadlineExceededError, match="was not begun: the total_timeout of"):
            with_retry(total_timeout=5, retry_on_result=lambda _: False, clock=Lid(), **fields)(lambda: "fine")()


def test_an_attempt_in_a_worker_says_of_itself_whose_deadline_it_hit() -> None:
    def inside() -> None:
        with deadline(1e-9, name="inner"):
            while True:
                time_left()

    with pytest.raises(DeadlineExceededError, match="the deadline 'inner'"):
        with_retry(attempt_timeout=LONG, timeout_mode="thread")(inside)()


def test_a_worker_survives_what_should_never_happen() -> None:
    class Broken:
        def perform(self, _thread: threading.Thread) -> None:
            raise MemoryError

    worker = workers.Worker(workers._crew)
    worker.job = Broken()  # type: ignore[assignment]
    worker.ring()
    while worker.job is not None:
        time.sleep(0)
    job = workers.Job("x", lambda: 7, (), {}, Ledger(1), lambda _job: None)
    worker.job = job
    worker.ring()
    assert job._over.acquire(timeout=LONG)
    assert job.value == 7


def test_a_call_that_no_worker_came_to_in_time_is_called_off() -> None:
    ran: list[int] = []
    ledger = Ledger(1)
    job = workers.Job("x", lambda: ran.append(1), (), {}, ledger, lambda _job: None)
    assert job._leave()
    assert not ledger.jobs
    assert job.perform(threading.current_thread()) is None
    assert not ran


def test_a_limit_that_is_hit_in_a_worker_is_its_owners() -> None:
    def inside() -> str:
        mark = current.get()
        assert mark is not None
        raise mark[3].cut_short("something inside", mark[0], began=True)

    with pytest.raises(OperationTimeoutError, match="inside took longer than its timeout of 60 s") as caught:
        with_timeout(LONG)(inside)()
    assert type(caught.value) is OperationTimeoutError
    assert with_timeout(LONG, fallback="known")(inside)() == "known"
    policy = RetryPolicy(max_attempts=2, attempt_timeout=LONG, timeout_mode="thread", backoff={"initial_delay": 0})
    with pytest.raises(OperationTimeoutError, match="an attempt of .* took longer than its attempt_timeout") as caught:
        with_retry(policy)(inside)()
    assert "gave up after 2 attempts" in caught.value.__notes__[0]


def test_an_awaitable_that_can_be_neither_closed_nor_cancelled_is_dropped() -> None:
    class Pending:
        def __await__(self) -> Any:
            raise AssertionError("never awaited")

    @with_timeout(1e-6, mode="cooperative", fallback="known")
    def begin() -> Any:
        seen = current_deadline()
        assert seen is not None
        while not seen.expired:
            pass
        return Pending()

    async def main() -> None:
        assert await begin() == "known"

    asyncio.run(main())


def test_a_quick_call_that_is_dropped_is_closed_wherever_that_happens() -> None:
    limited = with_timeout(2)(hang)

    async def main() -> None:
        with pytest.raises(OperationTimeoutError):
            await limited()
        coroutine: Any = limited()

        async def begin() -> None:
            coroutine.send(None)

        async def close() -> None:
            coroutine.close()

        await asyncio.create_task(begin())
        await asyncio.create_task(close())
        await asyncio.sleep(5)
        assert current_deadline() is None

    run_virtual(main())


def test_a_breaker_ignores_the_cancellation_of_a_task_whose_parent_was_cut() -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1))

    async def main() -> None:
        with pytest.raises(DeadlineExceededError):
            async with deadline(1):
                await asyncio.gather(breaker.protect(hang)(), asyncio.sleep(0))

    run_virtual(main())
    assert breaker.metrics.abandoned_requests == 1


def test_a_call_that_was_called_off_just_before_an_interrupt_stays_so() -> None:
    ledger = Ledger(1)
    job = workers.Job("x", lambda: None, (), {}, ledger, lambda _job: None)
    assert job._leave()
    job._abandon(None)
    assert not ledger.jobs


def test_to_be_left_behind_twice_is_told_once() -> None:
    ledger = Ledger(1)
    job = workers.Job("slow", lambda: None, (), {}, ledger, lambda _job: None)
    job._thread = threading.Thread(name="worker")
    for _ in range(2):
        job._enter_ledger()
    assert job._thread.name == "worker left behind by slow"
    job.end()
    assert job._thread.name == "worker"
    assert not ledger.jobs
