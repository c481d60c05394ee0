"""What a server says: calls never come faster than it lets them, and garbage is ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from holdfast.errors import ConfigurationError, RateLimitExceededError
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
        {"RateLimit": "limit=100, remaining=3, reset=60"},
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


def test_of_two_answers_that_hold_the_stricter_one_counts_and_each_for_its_own_time(
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
    limiter.learn({"RateLimit-Remaining": "9", "RateLimit-Reset": "60"})  # an older answer, or another window
    assert limiter.stats.available == 8
    clock.advance(30)
    assert limiter.stats.available == 9


def test_all_limits_that_a_server_tells_of_count(clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.learn({"RateLimit": '"burst";r=5;t=1, "day";r=6;t=3000'})
    passed = 0
    for _ in range(30):
        passed += limiter.try_acquire()
        clock.advance(0.1)
    assert passed == 6


def test_more_words_than_are_kept_are_put_together_and_never_exceeded(clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    for number in range(20):
        limiter.learn({"RateLimit-Remaining": str(number), "RateLimit-Reset": str(10 + number)})
    assert len(limiter.line.allowance.words) == 8
    assert limiter.stats.available == 0
    clock.advance(29)
    assert limiter.stats.available == 10


YEAR = 365 * 86400.0


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": str(YEAR)},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": str(YEAR)},
        {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": str((WALL + YEAR) * 1000)},
        {"RateLimit": '"x";r=3;t=600000'},
    ],
)
def test_what_a_server_says_is_believed_for_an_hour_or_until_an_answer_says_that_calls_may_be_made(
    headers: dict[str, str], clock: VirtualClock
) -> None:
    limiter = limiter_at(clock)
    limiter.learn(headers)
    assert limiter.stats.available < 10
    assert limiter.line.wait_of(10) == 3600
    limiter.learn({"RateLimit-Remaining": "0", "RateLimit-Reset": "1"})
    assert limiter.line.wait_of(10) == 3600
    limiter.learn({"RateLimit-Remaining": "20", "RateLimit-Reset": "10"})
    clock.advance(1)
    assert limiter.stats.available == 10
    limiter.learn(headers, at_most=timedelta(seconds=5))
    assert limiter.line.wait_of(10) == 5
    limiter.resume()
    assert limiter.stats.available == 10
    limiter.resume()
    with pytest.raises(ConfigurationError, match="learn: at_most must be"):
        limiter.learn(headers, at_most=-1)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("left", [0, 3])
def test_moments_are_understood_in_whatever_unit_they_are(unit: int, left: int, clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.learn({"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str((WALL + 50) * unit)})
    assert limiter.stats.available == left
    assert limiter.line.wait_of(10) == 50


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "1e300"},
        {"Retry-After": "9" * 50},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"},
        {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1e300"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "9" * 60},
        {"RateLimit": '"x";r=3;t=1e300'},
    ],
)
def test_what_nobody_can_mean_is_ignored(headers: dict[str, str], clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.learn(headers)
    assert limiter.stats.available == 10


def test_a_pause_can_be_lifted_and_a_change_of_the_limit_does_not_lift_it(clock: VirtualClock) -> None:
    limiter = limiter_at(clock)
    limiter.pause_for(1e9)
    limiter.update(TokenBucket(rate=10, capacity=9))
    assert limiter.stats.available == 0
    limiter.learn({"RateLimit-Remaining": "20", "RateLimit-Reset": "10"})
    assert limiter.stats.available == 0  # who asked for a pause has it
    limiter.resume()
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
