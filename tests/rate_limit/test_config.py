"""Settings: what cannot work is refused when it is set, with the fix in the message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from holdfast.errors import ConfigurationError
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow, TokenBucket


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rate": 0, "capacity": 1}, r"rate must be more than 0 tokens per second, not 0 \(for one a minute"),
        ({"rate": -1, "capacity": 1}, "rate must be a finite number of at least 0, not -1"),
        ({"rate": float("nan"), "capacity": 1}, "rate must be a finite number"),
        ({"rate": float("inf"), "capacity": 1}, "rate must be a finite number"),
        ({"rate": "10", "capacity": 1}, "rate must be a finite number of at least 0, not '10'"),
        ({"rate": True, "capacity": 1}, "rate must be a finite number"),
        ({"rate": 1, "capacity": 0}, r"capacity must be a whole number of at least 1, not 0 \(how many may come at"),
        ({"rate": 1, "capacity": 2.5}, "capacity must be a whole number"),
        ({"rate": 1}, "TokenBucket: capacity must be given"),
        ({"rate": 1, "capacity": 1, "burst": 2}, "TokenBucket has no field 'burst'"),
    ],
)
def test_a_token_bucket_that_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TokenBucket(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit": 0, "period": 1}, "limit must be a whole number of at least 1, not 0"),
        ({"limit": 1, "period": 0}, "period must be finite and more than zero seconds, not 0"),
        ({"limit": 1, "period": "minute"}, "period must be seconds as a number, or a timedelta, not 'minute'"),
        ({"limit": 1, "period": 1, "buckets": 0}, "buckets must be a whole number of at least 1, not 0"),
        ({"limit": 1}, "SlidingWindow: period must be given"),
    ],
)
def test_a_sliding_window_that_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SlidingWindow(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "RateLimiterConfig: limit must be given"),
        ({"limit": 10}, r'limit must be a TokenBucket, a SlidingWindow or a mapping such as {"rate": 10, "capacity"'),
        ({"limit": TokenBucket}, "limit must be a TokenBucket"),
        ({"limit": dict}, "limit must be a TokenBucket"),
        ({"limit": {}}, 'limit is empty; write {"rate": 10'),
        ({"limit": {"rats": 1}}, "limit has no field 'rats'; did you mean 'rate'"),
        ({"limit": {"rate": 1, "capacity": 1, "period": 5}}, "TokenBucket has no field 'period'|has no field"),
        ({"limit": {"buckets": 5}}, "SlidingWindow: limit, period must be given"),
        ({"rats": 1, "capacity": 1}, "RateLimiterConfig has no field 'rats'; did you mean 'rate'"),
        ({"rate": 1}, "TokenBucket: capacity must be given"),
        ({"rate": 1, "period": 1}, "TokenBucket has no field 'period'"),
        ({"period": 1}, "SlidingWindow: limit must be given"),
        ({"limit": "5", "period": 1}, "SlidingWindow: limit must be a whole number"),
        ({"limit": {"rate": 1, "capacity": 1}, "rate": 1}, "give one limit, not two: limit=.*, or rate"),
        ({"limit": {"rate": 1, "capacity": 1}, "name": " "}, "name must be a text that is not empty"),
        ({"limit": {"rate": 1, "capacity": 1}, "queue_timeout": -1}, r"queue_timeout .*\(None means: no limit\)"),
        ({"limit": {"rate": 1, "capacity": 1}, "max_queue": -1}, "max_queue must be a whole number of at least 0"),
        ({"limit": {"rate": 1, "capacity": 1}, "on_reject": 5}, "on_reject must be a function"),
    ],
)
def test_a_config_that_cannot_work_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        RateLimiterConfig(**fields)


def test_the_fields_of_a_limit_may_be_given_as_those_of_the_config() -> None:
    bucket = RateLimiterConfig(rate=10, capacity=20, max_queue=3)
    assert bucket == RateLimiterConfig(limit=TokenBucket(rate=10, capacity=20), max_queue=3)
    window = RateLimiterConfig(limit=100, period=60, buckets=10)
    assert window.limit == SlidingWindow(limit=100, period=60, buckets=10)
    assert bucket.replace(capacity=5).limit == TokenBucket(rate=10, capacity=5)
    assert window.replace(limit=50).limit == SlidingWindow(limit=50, period=60, buckets=10)
    assert window.replace(limit=bucket.limit).limit == bucket.limit
    assert window.replace(rate=10, capacity=20).limit == bucket.limit
    assert bucket.replace(limit=100, period=60, buckets=10).limit == window.limit
    assert bucket.replace(max_queue=1).limit == bucket.limit


def test_durations_may_be_timedeltas_and_configs_are_frozen() -> None:
    window = SlidingWindow(limit=5, period=timedelta(minutes=1))
    assert window.period == 60
    config = RateLimiterConfig(limit=window, queue_timeout=timedelta(seconds=2))
    assert config.queue_timeout == 2
    assert config.as_dict()["limit"] == {"limit": 5, "period": 60.0, "buckets": None}
    assert config.replace(limit={"rate": 1, "capacity": 2}).limit == TokenBucket(rate=1, capacity=2)
    with pytest.raises(AttributeError, match="frozen"):
        config.max_queue = 1  # type: ignore[misc]
    assert RateLimiterConfig(limit=window, queue_timeout=None).queue_timeout is None


def test_a_limiter_needs_a_limit_and_a_real_clock() -> None:
    with pytest.raises(ConfigurationError, match="RateLimiter: limit must be a TokenBucket.*not None"):
        RateLimiter()
    with pytest.raises(ConfigurationError, match="name must be a text"):
        RateLimiter(TokenBucket(rate=1, capacity=1), name="")
    with pytest.raises(ConfigurationError, match="clock must have the methods"):
        RateLimiter(TokenBucket(rate=1, capacity=1), clock=5)  # type: ignore[arg-type]
