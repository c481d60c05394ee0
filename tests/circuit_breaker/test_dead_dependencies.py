"""A dependency that is dead, or was well once: what the circuit makes of it, and how little it bothers it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    CircuitState,
    DeadlineExceededError,
    RejectedError,
    WorkerLimitError,
)
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow
from holdfast.testing import VirtualClock

CLOSED, OPEN, HALF_OPEN = CircuitState


def breaker_of(clock: VirtualClock, **fields: Any) -> CircuitBreaker:
    return CircuitBreaker(CircuitBreakerConfig(**{"failure_threshold": 5, **fields}), clock=clock)


def call(door: Door, breaker: CircuitBreaker, *outcomes: Any) -> None:
    """Call once for each outcome."""
    guarded = breaker.protect(door.function(Script(*outcomes)))
    for outcome in outcomes:
        if isinstance(outcome, type):
            with pytest.raises(outcome):
                door.run(guarded)
        else:
            assert door.run(guarded) == outcome


# Side by side.


@pytest.mark.parametrize("listened", [False, True])
def test_promise_17_calls_run_side_by_side_in_threads_and_tasks_also_while_somebody_listens(
    clock: VirtualClock, listened: bool
) -> None:
    breaker = breaker_of(clock, half_open_max_calls=8, success_threshold=8)
    if listened:
        breaker.on("call", lambda event: None)
    inside = threading.Barrier(8, timeout=10)
    meet = breaker.protect(lambda: inside.wait() >= 0)

    @breaker.protect
    async def meet_async(barrier: asyncio.Barrier) -> bool:
        return await barrier.wait() >= 0

    async def main() -> list[bool]:
        barrier = asyncio.Barrier(8)
        async with asyncio.timeout(10):
            return await asyncio.gather(*(meet_async(barrier) for _ in range(8)))

    for state in (CLOSED, HALF_OPEN):
        for calls in ("threads", "tasks"):
            if state is HALF_OPEN:
                breaker.force_open()
                clock.advance(30)
            assert breaker.state is state
            if calls == "threads":
                with ThreadPoolExecutor(8) as threads:
                    assert all(threads.map(lambda _: meet(), range(8)))
            else:
                assert all(run_virtual(main()))
            assert breaker.state is CLOSED


# What is over is over.


def test_promise_20_a_late_failure_does_not_prolong_the_opening(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, reset_timeout_multiplier=2)
    late = [breaker.acquire() for _ in range(10)]
    call(door, breaker, *[ConnectionResetError] * 5)
    clock.advance(20)
    for permit in late[:5]:
        permit.fail(ConnectionResetError())
    assert breaker.retry_after == 10
    clock.advance(10)
    assert breaker.state is HALF_OPEN
    for permit in late[5:]:
        permit.fail(ConnectionResetError())
    assert breaker.state is HALF_OPEN, "they are no probes"
    assert breaker.get_stats()["reset_timeout"] == 30


def test_promise_20_a_success_from_before_is_no_probe_that_succeeded(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, success_threshold=3)
    late = [breaker.acquire() for _ in range(5)]
    call(door, breaker, *[ConnectionResetError] * 5)
    clock.advance(30)
    probe = breaker.acquire()
    for permit in late:
        permit.succeed()
    assert breaker.state is HALF_OPEN
    probe.fail(ConnectionResetError())
    assert breaker.state is OPEN
    clock.advance(30)
    call(door, breaker, "fine", "fine")
    assert breaker.state is HALF_OPEN, "three of this round are needed"


# What counts.


def test_promise_21_ten_thousand_successes_long_ago_do_not_shield_a_dead_dependency(
    door: Door, clock: VirtualClock
) -> None:
    breaker = breaker_of(clock)
    guarded = breaker.protect(Door("sync").function(Script("fine")))
    for _ in range(10_000):
        guarded()
    clock.advance(61)
    call(door, breaker, *["fine", ConnectionResetError] * 4, "fine")
    assert breaker.state is CLOSED
    call(door, breaker, ConnectionResetError)
    assert breaker.state is OPEN, "no row of five, but half of what counts"


def test_promise_22_what_is_ignored_breaks_no_row_and_dilutes_no_rate(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, ignore=KeyError)
    call(door, breaker, *["fine"] * 100)
    call(door, breaker, *[ConnectionResetError, KeyError, KeyError] * 4, ConnectionResetError)
    assert breaker.state is OPEN, "five in a row, though they are few of all"
    breaker.reset()
    call(door, breaker, *[ConnectionResetError, KeyError, "fine"] * 4, *[KeyError] * 20)
    assert breaker.metrics.failure_rate == 0.5
    call(door, breaker, "fine", ConnectionResetError)
    assert breaker.state is OPEN, "five of ten, whatever was ignored"


def refusing(way: str, function: Any, clock: VirtualClock) -> Any:
    """The function behind a guard that lets nothing pass, or in the place of one."""
    if way == "bulkhead":
        full = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))
        guarded: Any = full.protect(function)
        guarded.permit = full.acquire()
        return guarded
    if way == "rate limit":
        limiter = RateLimiter(RateLimiterConfig(limit=SlidingWindow(limit=1, period=1e6), queue_timeout=0))
        limiter.acquire()
        return limiter.protect(function)
    breaker = CircuitBreaker(clock=clock)
    breaker.force_open(hold=True)
    return breaker.protect(function)


@pytest.mark.parametrize("way", ["bulkhead", "rate limit", "breaker", "worker limit", "deadline"])
def test_promise_23_no_guard_further_in_opens_a_circuit_by_refusing(door: Door, clock: VirtualClock, way: str) -> None:
    breaker = breaker_of(clock, failure_threshold=1)
    if way in {"worker limit", "deadline"}:
        error: Exception = WorkerLimitError("no worker is free", name="inner")
        if way == "deadline":
            error = DeadlineExceededError("was not begun")
            error.began = False
        function = door.function(Script(error))
    else:
        function = refusing(way, door.function(Script("fine")), clock)
    guarded = breaker.protect(function)
    for _ in range(20):
        with pytest.raises((RejectedError, DeadlineExceededError)):
            door.run(guarded)
    assert breaker.state is CLOSED
    assert (breaker.metrics.failed_requests, breaker.metrics.abandoned_requests) == (0, 20)


@pytest.mark.parametrize("way", ["async", "returns-awaitable"])
def test_promise_19_a_task_that_hangs_as_a_probe_does_not_wedge_the_breaker(clock: VirtualClock, way: str) -> None:
    breaker = breaker_of(clock, half_open_max_calls=1, success_threshold=1, probe_timeout=5)
    breaker.force_open()
    clock.advance(30)

    async def hang() -> None:
        await asyncio.Event().wait()

    guarded = breaker.protect(hang if way == "async" else lambda: hang())
    fine = breaker.protect(Door(way).function(Script("fine")))

    async def main() -> None:
        hung = asyncio.ensure_future(guarded())
        await asyncio.sleep(0)
        with pytest.raises(CircuitOpenError):
            await fine()
        clock.advance(5)
        assert await fine() == "fine"
        assert breaker.state is CLOSED
        hung.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hung

    asyncio.run(main())
    assert breaker.state is CLOSED


# How little it is bothered.


@pytest.mark.parametrize("calls", ["threads", "tasks"])
def test_promise_24_of_many_threads_and_tasks_no_more_get_through_in_a_round_than_may_probe_at_once(
    clock: VirtualClock, calls: str
) -> None:
    breaker = breaker_of(clock)
    breaker.force_open()
    reached: list[int] = []

    @breaker.protect
    def dead(number: int) -> None:
        reached.append(number)
        raise ConnectionResetError

    @breaker.protect
    async def dead_async(number: int) -> None:
        reached.append(number)
        await asyncio.sleep(0.1 * len(reached))
        raise ConnectionResetError

    def caller(number: int) -> type[Exception]:
        together.wait()
        kinds: list[type[Exception]] = []
        for _ in range(5):
            try:
                dead(number)
            except (ConnectionResetError, CircuitOpenError) as error:
                kinds.append(type(error))
        assert len(kinds) == 5
        return kinds[-1]

    async def arrive(number: int) -> type[Exception]:
        await asyncio.sleep(number // 10 * 0.01)  # ten at once, and more while the first probes are under way
        try:
            await dead_async(number)
        except (ConnectionResetError, CircuitOpenError) as error:
            return type(error)
        raise AssertionError("it is dead")

    async def several() -> list[type[Exception]]:
        return await asyncio.gather(*(arrive(number) for number in range(400)))

    for _ in range(10):
        clock.advance(30)
        reached.clear()
        if calls == "threads":
            together = threading.Barrier(16, timeout=30)
            with ThreadPoolExecutor(16) as threads:
                kinds = list(threads.map(caller, range(16)))
        else:
            kinds = run_virtual(several())
        assert 1 <= len(reached) <= 3
        assert set(kinds) <= {ConnectionResetError, CircuitOpenError}
        assert breaker.state is OPEN
