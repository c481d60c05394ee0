"""What type checkers make of rate limits in user code; `assert_type` fails under mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import assert_type

from holdfast import RateLimiter, SlidingWindow, TokenBucket, create_rate_limiter, with_rate_limit
from holdfast.rate_limit import RateLimiterMetrics, Reservation

LIMITER = RateLimiter(TokenBucket(rate=1000, capacity=1000))


@with_rate_limit(TokenBucket(rate=1000, capacity=1000))
def plain(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@with_rate_limit("typed", SlidingWindow(limit=100, period=1), key=lambda a: a, cost=lambda a: a)
async def asynchronous(a: int) -> str:
    return str(a)


@with_rate_limit("typed-flat", rate=1000, capacity=1000)
def flat(a: int) -> float:
    return 1.5


@with_rate_limit("typed-window", limit=1000, period=1, buckets=None, max_queue=5)
def in_a_window(a: int) -> float:
    return 1.5


@LIMITER.protect
def protected(a: int) -> bytes:
    return b"x" * a


async def fetch() -> int:
    return 1


def test_decorated_functions_keep_their_types() -> None:
    assert_type(plain(1, "b", c=True), float)
    assert_type(asyncio.run(asynchronous(2)), str)
    assert_type(protected(3), bytes)
    assert_type(flat(3), float)
    assert_type(in_a_window(3), float)


def test_execute_gives_back_what_its_operation_gives() -> None:
    assert_type(LIMITER.execute(lambda: 5), int)
    assert_type(asyncio.run(LIMITER.execute(fetch)), int)
    assert_type(LIMITER.execute(lambda: "x", cost=2), str)


def test_asking_has_types() -> None:
    assert_type(LIMITER.try_acquire(2), bool)
    assert_type(LIMITER.reserve(), Reservation)
    assert_type(LIMITER.reserve().delay, float)
    assert_type(LIMITER.metrics, RateLimiterMetrics)
    assert_type(LIMITER.metrics.asked, int)
    assert_type(create_rate_limiter("x", {"limit": 1, "period": 1}), RateLimiter)
