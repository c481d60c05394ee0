"""What a policy is made of, what it refuses, and what it says of itself."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from holdfast import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ConfigurationError,
    FallbackConfig,
    RateLimiterConfig,
    ResiliencePolicy,
    RetryPolicy,
    SlidingWindow,
    TokenBucket,
    UnknownPolicyError,
    Value,
    register_retry_policy,
)


def test_the_presets_have_their_numbers() -> None:
    numbers = {}
    for name in ("api", "ai", "database", "external", "critical"):
        policy: ResiliencePolicy = getattr(ResiliencePolicy, name)()
        breaker, retry, room = policy.circuit_breaker, policy.retry_policy, policy.bulkhead
        assert retry is not None
        assert room is not None
        numbers[name] = (
            breaker and (breaker.failure_threshold, breaker.reset_timeout),
            (retry.name, retry.max_attempts),
            policy.timeout,
            (room.max_concurrent, room.max_queue),
        )
    assert numbers == {
        "api": ((5, 60), ("api", 3), 30, (50, 100)),
        "ai": ((3, 120), ("ai", 3), 120, (10, 50)),
        "database": ((10, 30), ("database", 3), 30, (100, 200)),
        "external": ((5, 60), ("external", 3), 15, (20, 50)),
        "critical": (None, ("critical", 5), 60, (5, 10)),
    }


def test_nested_configs_may_be_given_by_their_fields() -> None:
    policy = ResiliencePolicy(
        retry={"max_attempts": 4, "backoff": {"type": "fixed", "initial_delay": 2, "max_delay": 2}},
        circuit_breaker={"failure_threshold": 2},
        bulkhead={"max_concurrent": 3},
        rate_limit={"limit": 100, "period": timedelta(minutes=1), "queue_timeout": 5},
        timeout=timedelta(seconds=2),
    )
    assert policy.retry == RetryPolicy(max_attempts=4, backoff={"type": "fixed", "initial_delay": 2, "max_delay": 2})
    assert policy.circuit_breaker == CircuitBreakerConfig(failure_threshold=2)
    assert policy.bulkhead == BulkheadConfig(max_concurrent=3)
    assert policy.rate_limit == RateLimiterConfig(limit=SlidingWindow(limit=100, period=60), queue_timeout=5)
    assert policy.timeout == 2


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({"rate": 10, "capacity": 20}, TokenBucket(rate=10, capacity=20)),
        ({"limit": 5, "period": 1, "buckets": 10}, SlidingWindow(limit=5, period=1, buckets=10)),
        ({"limit": {"rate": 10, "capacity": 20}}, TokenBucket(rate=10, capacity=20)),
        ({"limit": SlidingWindow(limit=5, period=1)}, SlidingWindow(limit=5, period=1)),
        (TokenBucket(rate=1, capacity=1), TokenBucket(rate=1, capacity=1)),
        (RateLimiterConfig(limit=SlidingWindow(limit=5, period=1)), SlidingWindow(limit=5, period=1)),
    ],
)
def test_a_rate_limit_may_be_given_in_any_form(given: Any, limit: Any) -> None:
    policy = ResiliencePolicy(rate_limit=given)
    assert policy.rate_limit is not None
    assert policy.rate_limit.limit == limit


def test_a_mapping_changes_only_the_fields_that_it_names() -> None:
    before = ResiliencePolicy.external(rate_limit={"limit": 10, "period": 60, "queue_timeout": 5})
    after = before.replace(
        retry={"max_attempts": 7},
        circuit_breaker={"reset_timeout": 1},
        bulkhead={"max_queue": 0},
        rate_limit={"limit": 20},
    )
    assert isinstance(after.retry, RetryPolicy)
    assert (after.retry.max_attempts, after.retry.backoff) == (7, RetryPolicy.network().backoff)
    assert after.circuit_breaker == CircuitBreakerConfig(failure_threshold=5, reset_timeout=1)
    assert after.bulkhead == BulkheadConfig(max_concurrent=20, max_queue=0)
    assert after.rate_limit == RateLimiterConfig(limit=SlidingWindow(limit=20, period=60), queue_timeout=5)
    assert after.replace(rate_limit={"queue_timeout": 1}).rate_limit == after.rate_limit.replace(queue_timeout=1)
    bucket = after.replace(rate_limit={"rate": 5, "capacity": 1}).rate_limit
    assert bucket == RateLimiterConfig(limit=TokenBucket(rate=5, capacity=1), queue_timeout=5)
    assert after.replace(retry="network", bulkhead=None).bulkhead is None


def test_a_shorter_total_timeout_shortens_the_timeout_that_was_there() -> None:
    short = ResiliencePolicy.api(total_timeout=timedelta(seconds=10))
    assert (short.total_timeout, short.timeout) == (10, 10)
    assert ResiliencePolicy.api(total_timeout=100).timeout == 30
    assert short.replace(total_timeout=None).timeout == 10
    with pytest.raises(ConfigurationError, match=r"timeout \(20 s, for one attempt\) can never be reached"):
        ResiliencePolicy.api(total_timeout=10, timeout=20)
    with pytest.raises(ConfigurationError, match="total_timeout must be finite"):
        short.replace(total_timeout=0)


def test_the_delays_of_the_presets_are_spread() -> None:
    for name in ("api", "ai", "database", "external", "critical"):
        retry = getattr(ResiliencePolicy, name)().retry_policy
        assert all(low < high for low, high in retry.backoff.delays(retry.max_attempts - 1))


def test_a_named_retry_policy_may_be_changed_too() -> None:
    policy = ResiliencePolicy(retry="network").replace(retry={"max_attempts": 2})
    assert isinstance(policy.retry, RetryPolicy)
    assert (policy.retry.name, policy.retry.max_attempts) == ("network", 2)
    unknown = ResiliencePolicy(retry="not-there-yet", timeout=1)
    assert unknown.retry_policy is None
    assert unknown.worst_case.attempts == 1
    with pytest.raises(UnknownPolicyError, match="not-there-yet"):
        unknown.replace(retry={"max_attempts": 2})


def test_a_policy_is_frozen_equal_to_its_like_and_can_be_pickled() -> None:
    policy = ResiliencePolicy.api(total_timeout=100)
    with pytest.raises(AttributeError, match="frozen"):
        policy.timeout = 3  # type: ignore[misc]
    assert policy == ResiliencePolicy.api(total_timeout=100) != ResiliencePolicy.api()
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert hash(policy) == hash(ResiliencePolicy.api(total_timeout=100))
    assert policy.as_dict()["bulkhead"]["max_queue"] == 100


SLOW_BREAKER = {"slow_call_duration_threshold": 5, "slow_call_rate_threshold": 0.5}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {},
            "it guards nothing; give at least one of fallback, total_timeout, retry, .*, or begin with ResiliencePolicy.api",
        ),
        ({"timeout_mode": "thread"}, "it guards nothing"),
        ({"timeout": 0}, "timeout must be finite and more than zero seconds, not 0"),
        ({"timeout": True}, "timeout must be seconds as a number, or a timedelta, not True"),
        ({"total_timeout": -1}, "total_timeout must be finite and more than zero"),
        ({"timeout": 1, "timeout_mode": "tread"}, "timeout_mode cannot be 'tread'; did you mean 'thread'"),
        ({"retries": 3}, "ResiliencePolicy has no field 'retries'; did you mean retry={'max_attempts': ...}"),
        ({"max_attempts": 5}, "no field 'max_attempts'; did you mean retry={'max_attempts': 5}"),
        ({"max_atempts": 5}, "did you mean retry={'max_attempts': 5}"),
        ({"jitter_factor": 0.2}, "did you mean retry={'backoff': {'jitter_factor': 0.2}}"),
        ({"jitter": 0.2}, r"did you mean retry={'backoff': {'jitter_factor': \.\.\.}}"),
        ({"failure_threshold": 3}, "did you mean circuit_breaker={'failure_threshold': 3}"),
        ({"max_concurrent": 3}, "did you mean bulkhead={'max_concurrent': 3}"),
        ({"rate": 3}, "did you mean rate_limit={'rate': 3}"),
        ({"queue_timeout": 3}, "did you mean rate_limit={'queue_timeout': 3} or bulkhead={'queue_timeout': 3}"),
        ({"seconds": 3}, "no field 'seconds'; did you mean 'timeout'"),
        ({"timeot": 3}, "no field 'timeot'; did you mean 'timeout'"),
        ({"name": "shop"}, "its name is the one that it is registered or used under; known"),
        ({"xyz": 3}, "no field 'xyz'; known"),
        (
            {"retry": 3},
            "retry must be a RetryPolicy, a mapping of its fields, the name of one, or None, not 3; "
            "write retry={'max_attempts': 3}",
        ),
        ({"retry": True}, "not True; write retry={} for the defaults"),
        ({"rate_limit": True}, "or None, not True$"),
        ({"rate_limit": 5}, "not 5; write rate_limit={'limit': 5, 'period': 60}"),
        ({"circuit_breaker": 5}, "not 5; write circuit_breaker={'failure_threshold': 5}"),
        ({"retry": " "}, "retry must be a text that is not empty"),
        ({"retry": {"attempts": 3}}, "retry: RetryPolicy has no field 'attempts'; did you mean 'max_attempts'"),
        ({"retry": {"max_attempts": 0}}, "retry: RetryPolicy: max_attempts must be a whole number of at least 1"),
        (
            {"bulkhead": 5},
            "bulkhead must be a BulkheadConfig, a mapping of its fields, or None, not 5; write bulkhead={'max_concurrent': 5}",
        ),
        ({"bulkhead": {"max_concurrent": 0}}, "bulkhead: BulkheadConfig: max_concurrent must be"),
        ({"circuit_breaker": RetryPolicy()}, "circuit_breaker must be a CircuitBreakerConfig, a mapping"),
        ({"rate_limit": 100}, "rate_limit must be a RateLimiterConfig, .* a TokenBucket, a SlidingWindow, or None"),
        ({"rate_limit": {"limit": 5, "perod": 1}}, "rate_limit: there is no field 'perod'; did you mean 'period'"),
        ({"rate_limit": {"queue_timeout": 1}}, "rate_limit: RateLimiterConfig: limit must be given"),
        ({"fallback": 3}, r"ResiliencePolicy: fallback must be .*Value\(3\)"),
        ({"total_timeout": 5, "timeout": 10}, r"timeout \(10 s, .*\) can never be reached, as total_timeout \(5 s\)"),
        ({"retry": {"total_timeout": 5}, "timeout": 10}, r"as retry.total_timeout \(5 s\) ends the whole call"),
        ({"retry": {"attempt_timeout": 5}, "timeout": 10}, r"as retry.attempt_timeout \(5 s\) ends each attempt"),
        ({"circuit_breaker": {"timeout": 5}, "timeout": 10}, r"as circuit_breaker.timeout \(5 s\) ends each attempt"),
        (
            {"retry": {"total_timeout": 5}, "total_timeout": 10},
            r"total_timeout \(10 s\) can never be reached, as retry",
        ),
        ({"retry": {"attempt_timeout": 9}, "total_timeout": 5}, r"retry.attempt_timeout \(9 s\) can never be reached"),
        ({"circuit_breaker": {"timeout": 9}, "total_timeout": 5}, r"circuit_breaker.timeout \(9 s\) can never be"),
        ({"circuit_breaker": SLOW_BREAKER, "timeout": 5}, r"slow_call_duration_threshold \(5 s\) can never be reached"),
        ({"retry": RetryPolicy.fixed(5), "total_timeout": 5}, "retry waits 5 s at least before its second attempt"),
        ({"retry": "infrastructure", "total_timeout": 3}, "retry waits 5 s at least before its second attempt"),
    ],
)
def test_nonsense_is_refused_when_the_policy_is_made(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        ResiliencePolicy(**fields)
    assert str(caught.value).startswith("ResiliencePolicy")


@pytest.mark.parametrize(
    "fields",
    [
        {"retry": {"attempt_timeout": 10}, "timeout": 10},
        {"retry": {"total_timeout": 20}, "total_timeout": 20, "timeout": 10},
        {"retry": "none", "total_timeout": 1},
        {"retry": "database", "timeout": 30},
        {"circuit_breaker": SLOW_BREAKER, "timeout": 6},
        {"fallback": Value(3)},
    ],
)
def test_what_can_work_is_accepted(fields: dict[str, Any]) -> None:
    ResiliencePolicy(**fields)


@pytest.mark.parametrize(
    ("policy", "attempts", "seconds", "told"),
    [
        (ResiliencePolicy(timeout=2), 1, 2, 2),
        (ResiliencePolicy(retry="none", total_timeout=9), 1, 9, 9),
        (ResiliencePolicy(retry=RetryPolicy.fixed(1), timeout=2), 3, 8, 246),
        (ResiliencePolicy(retry=RetryPolicy.fixed(1), timeout=2, total_timeout=7), 3, 7, 7),
        (ResiliencePolicy(retry=RetryPolicy.fixed(1, total_timeout=5), timeout=2), 3, 5, 5),
        (ResiliencePolicy(retry=RetryPolicy.fixed(1, attempt_timeout=4), bulkhead={}, timeout=2), 3, 14, 252),
        (ResiliencePolicy(retry=RetryPolicy.fixed(1, max_retry_after=None), timeout=2), 3, 8, None),
        (ResiliencePolicy(retry="network"), 5, None, None),
        (ResiliencePolicy(bulkhead={"queue_timeout": 3}, timeout=2), 1, 5, 5),
        (ResiliencePolicy(bulkhead={"queue_timeout": 3, "max_queue": 0}, timeout=2), 1, 2, 2),
        (ResiliencePolicy(bulkhead={"queue_timeout": None}, timeout=2), 1, None, None),
        (ResiliencePolicy(rate_limit={"rate": 1, "capacity": 1, "queue_timeout": 4}, timeout=2), 1, 6, 6),
        (ResiliencePolicy(circuit_breaker={"timeout": 4}), 1, 4, 4),
        (ResiliencePolicy(circuit_breaker={"timeout": 4, "mode": "disabled"}), 1, None, None),
        (
            ResiliencePolicy(
                retry=RetryPolicy.fixed(1, max_attempts=2, backoff_for={"EXTERNAL": {"initial_delay": 9}}), timeout=1
            ),
            2,
            11,
            122,
        ),
    ],
)
def test_the_worst_case_is_told(
    policy: ResiliencePolicy, attempts: int, seconds: float | None, told: float | None
) -> None:
    case = policy.worst_case
    assert (case.attempts, case.seconds, case.seconds_if_told_to_wait) == (attempts, seconds, told)


def test_a_policy_describes_what_a_call_passes() -> None:
    def cached(error: Exception) -> None: ...

    policy = ResiliencePolicy.external(
        total_timeout=100,
        rate_limit={"limit": 1000, "period": 60, "queue_timeout": 5},
        fallback=FallbackConfig(answer=[cached, {"EXTERNAL": Value(1)}], value=2, on=TimeoutError),
    )
    assert policy.describe().splitlines() == [
        "fallback         test_a_policy_describes_what_a_call_passes.<locals>.cached(), then one by the kind of error, then "
        "a value; for some errors only",
        "total_timeout    100 s for the whole call; a plain function runs in a worker thread",
        "retry            3 attempts, 0-0.5, 0-1 s apart, after errors that are EXTERNAL, RESOURCE, TRANSIENT",
        "circuit_breaker  opens after 5 failures in 60 s, for 60 s",
        "rate_limit       1,000 in any 60 s, 1,000 waiting, 5 s at most",
        "bulkhead         20 at once, 50 waiting, 30 s at most",
        "timeout          15 s for each attempt; a plain function runs in a worker thread",
        "the call",
        "At worst: 3 attempts, 100 s.",
    ]


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"fallback": "prices"}, "fallback         the one that is registered as 'prices'"),
        ({"fallback": Value(1)}, "fallback         a value"),
        ({"retry": "none"}, "retry            'none': 1 attempt, so none"),
        ({"retry": "unheard-of"}, "retry            'unheard-of': not registered yet"),
        ({"retry": {"retry_on": OSError}}, "retry            3 attempts, 1, 2 s apart, after errors of the kinds in retry_on"),
        ({"retry": {"retryable_categories": ()}}, "retry            3 attempts, 1, 2 s apart, after errors by code only"),
        ({"retry": "conservative"}, "retry            'conservative': 2 attempts, 2 s apart, after errors that are TRANSIENT; total_timeout 10 s"),
        ({"retry": RetryPolicy.fixed(max_attempts=9)}, "retry            9 attempts, 1, 1, 1, ... 1 s apart, after errors that are EXTERNAL, TRANSIENT"),
        ({"circuit_breaker": {"window_size": 50, "timeout": 3, "mode": "shadow"}}, "circuit_breaker  opens after 5 failures of the last 50 calls, for 30 s; a call that takes 3 s has failed (mode shadow)"),
        ({"rate_limit": {"rate": 0.5, "capacity": 1000, "queue_timeout": 0}}, "rate_limit       0.5 a second, 1,000 at once, none waiting"),
        ({"bulkhead": {"queue_timeout": None}}, "bulkhead         10 at once, 50 waiting, without end"),
        ({"bulkhead": {"max_queue": 0}}, "bulkhead         10 at once, none waiting"),
        ({"timeout": 3, "timeout_mode": "cooperative"}, "timeout          3 s for each attempt; a plain function is not stopped"),
        ({"retry": "network"}, "At worst: 5 attempts, and no limit on its time; give a timeout or a total_timeout."),
        ({"retry": RetryPolicy.fixed(max_retry_after=None), "timeout": 1}, "At worst: 3 attempts, 5 s; without end if a server asks for longer waits."),
        ({"retry": RetryPolicy.fixed(), "timeout": 1}, "At worst: 3 attempts, 5 s; 243 s if a server asks for longer waits."),
        ({"timeout": 1}, "At worst: 1 attempt, 1 s."),
    ],
)  # fmt: skip
def test_each_guard_is_described_as_it_is_set(fields: dict[str, Any], line: str) -> None:
    assert line in ResiliencePolicy(**fields).describe().splitlines()


def test_a_named_retry_policy_is_described_as_it_is_at_the_time() -> None:
    policy = ResiliencePolicy(retry="described", timeout=1)
    register_retry_policy("described", RetryPolicy(max_attempts=2))
    assert policy.worst_case.attempts == 2
    assert "'described': 2 attempts" in policy.describe()
