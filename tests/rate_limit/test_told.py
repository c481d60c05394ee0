"""What a server says: calls never come faster than it lets them, and garbage is ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast.errors import RateLimitExceededError
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow, TokenBucket
from holdfast.testing import VirtualClock

WALL = 1_767_225_600  # 2026-01-01


@pytest.fixture
def clock() -> VirtualClock:
    """A clock in the time of epochs with ten digits."""
    return VirtualClock(wall=WALL)


def limiter_at(clock: VirtualClock) -> RateLimiter:
    return RateLimiter(RateLimiterConfig(limit=TokenBucket(rate=10, capacity=10), queue_timeout=0), clock=clock)


@pytest.mark.parametrize(
    ("said", "pause"),
    [
        ({"retry_after": 7}, 7),
        ({"retry_after": "7"}, 7),
        ({"retry_after": timedelta(seconds=7)}, 7),
        ({"retry_after": datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)}, 7),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:07 GMT"}, 7),
        ({"headers": {"Retry-After": "7"}}, 7),
        ({"headers": {"retry-after-ms": "7000"}}, 7),
        ({"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(WALL + 7)}}, 7),
        ({"headers": {"RateLimit": '"default";r=0;t=7'}}, 7),
        ({"headers": {"RateLimit-Reset": "7"}, "status": 429}, 7),
        ({"headers": {"RateLimit-Reset": "7"}}, 0),
        ({"headers": {"Retry-After": "7"}, "retry_after": 9}, 9),
        ({"headers": [("Retry-After", "7")]}, 7),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": -5}, 0),
        ({"retry_after": float("nan")}, 0),
        ({"retry_after": True}, 0),
        ({"headers": {"Retry-After": "soon", "RateLimit": ";;=,r=x"}}, 0),
        ({"headers": 5}, 0),
        ({"headers": {"RateLimit-Remaining": "many", "RateLimit-Reset": "60"}}, 0),
        ({"headers": {"RateLimit-Remaining": "-5"}}, 0),
        ({"headers": {"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(WALL - 100)}}, 0),
    ],
)
def test_a_pause_is_kept_and_garbage_ignored(said: dict[str, Any], pause: float, clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.learn(**said)
    if not pause:
        assert limiter.stats.available == 10
        return
    with pytest.raises(RateLimitExceededError) as caught:
        limiter.acquire()
    assert caught.value.retry_after == pytest.approx(pause)
    clock.advance(pause + 1e-6)
    limiter.acquire(10)


class Hostile:
    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)

    def __len__(self) -> int:
        raise ValueError


def test_headers_and_values_that_raise_are_ignored(clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.learn(Hostile(), retry_after=Hostile())
    assert limiter.stats.available == 10


@pytest.mark.parametrize(
    "headers",
    [
        {"RateLimit-Remaining": "3", "RateLimit-Reset": "60"},
        {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": str(WALL + 60)},
        {"X-Rate-Limit-Remaining": "3", "X-Rate-Limit-Reset": str((WALL + 60) * 1000)},
        {"RateLimit": '"burst";r=50;t=30, "day";r=3;t=60'},
    ],
)
def test_no_more_pass_than_the_server_has_left_until_its_window_ends(
    headers: dict[str, str], clock: VirtualClock
) -> None:
    limiter = limiter_at(clock)
    call = limiter.protect(lambda: None)
    call()
    limiter.learn(headers)
    for _ in range(3):
        call()
    with pytest.raises(RateLimitExceededError) as caught:
        call()
    assert caught.value.retry_after == pytest.approx(60)
    assert limiter.reserve(10).at == pytest.approx(60)
    assert limiter.reserve(5).at == pytest.approx(60.5)
    clock.advance(61)
    assert limiter.try_acquire()


def test_of_two_answers_about_the_same_window_the_lower_one_counts_and_a_new_window_begins_anew(
    clock: VirtualClock,
) -> None:
    limiter = limiter_at(clock)
    limiter.learn({"RateLimit-Remaining": "3", "RateLimit-Reset": "60"})
    limiter.acquire(2)
    limiter.learn({"RateLimit-Remaining": "5", "RateLimit-Reset": "60"})  # an older answer, come late
    assert limiter.stats.available == 1
    limiter.learn({"RateLimit-Remaining": "0", "RateLimit-Reset": "60"})
    assert limiter.stats.available == 0
    clock.advance(70)
    assert limiter.stats.available == 10
    limiter.learn({"RateLimit-Remaining": "8", "RateLimit-Reset": "30"})
    limiter.learn({"RateLimit-Remaining": "9", "RateLimit-Reset": "60"})  # another window
    assert limiter.stats.available == 9


@given(st.integers(0, 20), st.floats(0.5, 50), st.lists(st.floats(0, 5), max_size=40))
def test_learning_never_lets_more_pass_than_either_limit(left: int, period: float, gaps: list[float]) -> None:
    clock = VirtualClock()
    limiter = RateLimiter(SlidingWindow(limit=4, period=3), clock=clock)
    limiter.learn({"RateLimit-Remaining": str(left), "RateLimit-Reset": str(period)})
    passed = 0
    for gap in gaps:
        clock.advance(gap)
        if limiter.try_acquire() and clock.monotonic() < period:
            passed += 1
    assert passed <= left
