"""Slow calls: timed without the waiting in our own queues, through every way of making a call."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support import LoopClock, run_virtual

from holdfast import Bulkhead, BulkheadConfig, CircuitBreaker, CircuitBreakerConfig, CircuitOpenError, CircuitState
from holdfast._runtime.queueing import Stopwatch, queued
from holdfast.testing import VirtualClock

SLOW = CircuitBreakerConfig(name="slow", slow_call_duration_threshold=2, minimum_requests=1)


def test_time_in_a_bulkheads_queue_does_not_make_a_call_slow() -> None:
    async def service() -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        clock = LoopClock()
        breaker = CircuitBreaker(SLOW, clock=clock)
        bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1), clock=clock)
        inner = bulkhead.protect(service)

        def returning() -> Any:
            return inner()

        async def block() -> None:
            with breaker.acquire():
                async with bulkhead.acquire_async():
                    await service()

        ways: list[Any] = [
            breaker.protect(inner),
            breaker.protect(returning),
            lambda: breaker.execute(inner),
            lambda: breaker.execute(returning),
            block,
        ]
        for way in ways:
            await asyncio.gather(*(way() for _ in range(20)))  # the last one waits for 19 s
            assert breaker.state is CircuitState.CLOSED
        with pytest.raises(CircuitOpenError, match="circuit 'slow' is OPEN"):
            for _ in range(200):
                await breaker.execute(lambda: asyncio.sleep(2))

    run_virtual(main())


def test_a_plain_call_is_timed_without_the_queue_too(clock: VirtualClock) -> None:
    class Handing(VirtualClock):
        """Whoever sleeps gets the permit when the time is over."""

        def sleep(self, duration: float) -> None:
            super().sleep(duration)
            taken.pop().release()

    patient = Handing()
    breaker = CircuitBreaker(SLOW, clock=patient)
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1), clock=patient)
    taken = [bulkhead.acquire()]
    call = breaker.protect(bulkhead.protect(lambda: patient.advance(1)))
    call()
    assert patient.monotonic() == 31
    assert breaker.metrics.state == "CLOSED"
    taken.append(bulkhead.acquire())
    breaker.protect(bulkhead.protect(lambda: patient.advance(2)))()
    assert breaker.state is CircuitState.OPEN


def test_stopwatches_inside_one_another_all_leave_the_queue_out() -> None:
    outer, inner = Stopwatch(0), Stopwatch(10)
    queued(0, 5)  # nobody times it
    with outer:
        queued(1, 2)
        with inner:
            queued(11, 13)
        queued(14, 18)
    queued(18, 19)
    assert (inner.elapsed(20), outer.elapsed(20)) == (8, 13)


def test_time_in_which_several_wait_counts_once() -> None:
    watch = Stopwatch(0)
    with watch:
        for began, ended in ((1, 2), (4, 5), (4, 6), (3, 7), (8, 9), (9, 10)):
            queued(began, ended)
    assert watch.elapsed(10) == 10 - (1 + 4 + 2)
