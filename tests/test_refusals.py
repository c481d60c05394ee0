"""Refusals by any guard: however often there is one, nothing is left of it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceededError,
    RateLimitExceededError,
    deadline,
    with_retry,
    with_timeout,
)
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow


def refusals() -> dict[str, tuple[type[Exception], Callable[[Any], Any]]]:
    """Guards that refuse every call, and how."""
    breaker = CircuitBreaker()
    breaker.force_open(hold=True)
    full = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))
    permit = full.acquire()
    limiter = RateLimiter(RateLimiterConfig(limit=SlidingWindow(limit=1, period=1e6), queue_timeout=0))
    limiter.acquire()

    def under_full(function: Any) -> Any:
        guarded: Any = full.protect(function)
        guarded.permit = permit  # it is held as long as the function is there
        return guarded

    return {
        "circuit breaker": (CircuitOpenError, breaker.protect),
        "bulkhead": (BulkheadFullError, under_full),
        "rate limit": (RateLimitExceededError, limiter.protect),
        "retry around": (CircuitOpenError, lambda function: with_retry()(breaker.protect(function))),
        "timeout around": (CircuitOpenError, lambda function: with_timeout(60)(breaker.protect(function))),
    }


@pytest.mark.parametrize("way", refusals())
def test_promise_4_ten_thousand_refusals_leave_nothing_behind(way: str, door: Door) -> None:
    kind, refuse = refusals()[way]
    guarded = refuse(door.function(Script("never called")))

    async def refused(times: int) -> None:
        for _ in range(times):
            try:
                await guarded() if door.name == "async" else guarded()
            except kind as error:
                assert error.__context__ is None

    async def main() -> int:
        await refused(20)
        gc.collect()
        gc.disable()
        before = len(gc.get_objects())
        try:
            await refused(2_000 if "timeout" in way else 10_000)
            return len(gc.get_objects()) - before
        finally:
            gc.enable()

    assert asyncio.run(main()) < 100


def test_promise_4_a_deadline_that_is_over_leaves_nothing_behind_however_often_it_refuses() -> None:
    limited = with_timeout(60, mode="cooperative")(lambda: "never called")

    def refused() -> None:
        try:
            limited()
        except DeadlineExceededError:
            pass

    with deadline(1e-9):
        refused()
        gc.collect()
        gc.disable()
        before = len(gc.get_objects())
        try:
            for _ in range(10_000):
                refused()
            assert len(gc.get_objects()) - before < 100
        finally:
            gc.enable()
