"""Limiters by name: found again, bounded in number, and what they have let pass is not forgotten."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from tests.rate_limit.test_limits import keeps_its_rate, most_in_a_window

from holdfast.errors import ConfigurationError, RateLimitExceededError, UnknownPolicyError
from holdfast.rate_limit import (
    RateLimiterConfig,
    RateLimiterRegistry,
    SlidingWindow,
    TokenBucket,
    get_rate_limiter_registry,
    registry as rate_limit_registry,
)
from holdfast.testing import VirtualClock

ONE = TokenBucket(rate=1, capacity=1)


def test_a_name_finds_its_limiter_and_another_config_for_it_is_refused(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(clock=clock)
    search = registry.get_or_create("search", limit=ONE)
    assert registry.get_or_create("search", ONE) is search
    assert registry.get_or_create("search") is search
    assert registry.get("search") is search
    assert registry.get_or_create("mapped", {"rate": 1, "capacity": 1}).config.limit == ONE
    with pytest.raises(ConfigurationError, match="there is a rate limiter 'search' already"):
        registry.get_or_create("search", TokenBucket(rate=2, capacity=1))
    replaced = registry.get_or_create("search", TokenBucket(rate=2, capacity=1), replace=True)
    assert registry.get("search") is replaced is not search
    assert registry.get_all_metrics().keys() == {"search", "mapped"}
    with pytest.raises(UnknownPolicyError, match="no rate limiter named 'saerch' and no limit.*did you mean 'search'"):
        registry.get_or_create("saerch")
    with pytest.raises(ConfigurationError, match="RateLimiterRegistry: limit must be"):
        registry.get_or_create("x", 5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="max_limiters must be"):
        RateLimiterRegistry(max_limiters=0)
    assert get_rate_limiter_registry() is get_rate_limiter_registry()


def test_promise_37_a_great_many_keys_in_sequence_keep_the_memory_bounded(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=100, clock=clock)
    config = RateLimiterConfig(limit=SlidingWindow(limit=5, period=60), queue_timeout=0)
    for number in range(30_000):
        registry.obtain(f"api[{number}]", config).acquire()
        clock.advance(0.001)
    assert len(registry.get_all()) == 100
    assert len(registry._retired) <= 1
    assert len(registry._gone) <= 1
    assert len(registry._memory) == 10_000


def test_promise_37_memory_is_bounded_whatever_the_keys_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit_registry, "_REMEMBERED_AT_LEAST", 1)
    clock = VirtualClock()
    registry = RateLimiterRegistry(max_limiters=50, clock=clock)
    config = RateLimiterConfig(limit=TokenBucket(rate=1, capacity=10), queue_timeout=0)
    registry.obtain("warm", config)

    def rounds(first: int) -> None:
        for number in range(first, first + 3000):
            registry.obtain(f"api[{number}]", config).try_acquire(3)

    rounds(0)
    rounds(10_000)
    gc.collect()
    before = len(gc.get_objects())
    rounds(20_000)
    gc.collect()
    assert len(gc.get_objects()) - before < 1000


def test_a_limiter_that_went_and_is_still_used_comes_back(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=2, clock=clock)
    mine = registry.get_or_create("mine", ONE)
    for number in range(10):
        registry.get_or_create(f"other {number}", ONE)
    assert not registry.has("mine")
    mine.acquire()
    assert registry.get_or_create("mine", ONE) is mine
    for number in range(10):
        registry.get_or_create(f"other {number}", ONE)
    assert registry.obtain("mine", TokenBucketConfig) is not mine  # another limit was asked for


TokenBucketConfig = RateLimiterConfig(limit=TokenBucket(rate=5, capacity=5))


def test_promise_36_who_waits_at_a_limiter_that_had_to_go_is_not_passed_by() -> None:
    registry = RateLimiterRegistry(max_limiters=1)
    limit = TokenBucket(rate=50, capacity=1)

    async def main() -> None:
        limiter = registry.get_or_create("mine", limit)
        limiter.acquire()
        waiting = asyncio.create_task(limiter.acquire_async())
        await asyncio.sleep(0)
        del limiter
        registry.get_or_create("other", limit)
        assert not registry.has("mine")
        again = registry.get_or_create("mine", limit)
        assert again.stats.queued == 1
        assert not again.try_acquire()
        await waiting

    asyncio.run(main())


def test_what_a_limiter_that_went_has_let_pass_still_counts(clock: VirtualClock) -> None:
    for limit in (
        TokenBucket(rate=0.1, capacity=3),
        SlidingWindow(limit=3, period=10),
        SlidingWindow(limit=3, period=10, buckets=2),
    ):
        registry = RateLimiterRegistry(max_limiters=1, clock=clock)
        config = RateLimiterConfig(limit=limit, queue_timeout=0)
        registry.obtain("mine", config).acquire(2)
        registry.obtain("mine", config).reserve(2)
        registry.obtain("other", config)
        with pytest.raises(RateLimitExceededError):
            registry.obtain("mine", config).acquire()
        clock.advance(1000)
        registry.obtain("other", config)
        registry.obtain("mine", config).acquire(3)


def test_a_pause_and_a_quota_of_a_limiter_that_went_still_hold(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    config = RateLimiterConfig(limit=TokenBucket(rate=10, capacity=10), queue_timeout=0)
    registry.obtain("mine", config).pause_for(5)
    registry.obtain("other", config)
    assert registry.obtain("mine", config).stats.available == 0
    registry.obtain("other", config)
    clock.advance(5)
    assert registry.obtain("mine", config).stats.available == 10
    registry.obtain("mine", config).learn({"RateLimit-Remaining": "2", "RateLimit-Reset": "60"})
    registry.obtain("other", config)
    assert registry.obtain("mine", config).stats.available == 2
    registry.obtain("mine", config).learn({"RateLimit-Remaining": "1", "RateLimit-Reset": "60"})
    registry.obtain("other", config)
    assert registry.obtain("mine", config).stats.available == 1


def test_a_limiter_goes_that_was_not_asked_for_longest_and_none_that_is_bound_or_was_changed(
    clock: VirtualClock,
) -> None:
    registry = RateLimiterRegistry(max_limiters=3, clock=clock)
    registry.get_or_create("changed", ONE).update(TokenBucket(rate=2, capacity=1))
    binding = registry.binding("bound", RateLimiterConfig(limit=ONE))
    binding.bind()
    for name in ("old", "new"):
        registry.get_or_create(name, ONE)
    assert registry.get_all().keys() == {"changed", "bound", "new"}
    for number in range(100):
        registry.get_or_create(f"other {number}", ONE)
    assert registry.get_all().keys() == {"changed", "bound", "other 99"}


def test_one_that_dies_while_its_name_is_asked_for_has_counted(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    registry.get_or_create("mine", ONE).acquire()
    registry.get_or_create("other", ONE)
    assert len(registry._gone) == 1
    unheard = registry._gone.popleft()  # as if its end had not been told yet
    assert not registry.get_or_create("mine", ONE).try_acquire()
    registry._gone.append(unheard)  # told late, it counts no second time
    clock.advance(1)
    registry.get_or_create("other", ONE)
    assert registry.get_or_create("mine", ONE).try_acquire()


def test_where_no_limiter_may_go_there_are_more_than_wanted(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    bindings = [registry.binding(name, RateLimiterConfig(limit=ONE)) for name in ("one", "two", "three")]
    for binding in bindings:
        binding.bind()
    assert len(registry.get_all()) == 3


def test_a_reservation_that_is_due_counts_though_its_limiter_went(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    config = RateLimiterConfig(limit=SlidingWindow(limit=2, period=10), queue_timeout=0)

    def reserve() -> None:
        limiter = registry.obtain("mine", config)
        limiter.acquire(2)
        ahead = limiter.reserve(2)
        limiter.reserve(2)  # for 20 seconds from now
        ahead.cancel()
        clock.advance(10)
        assert limiter.stats.queued == 1  # it is due already, and comes later

    reserve()
    registry.obtain("other", config)
    assert not registry.obtain("mine", config).try_acquire()


@pytest.mark.parametrize("limit", [SlidingWindow(limit=5, period=60), TokenBucket(rate=5 / 60, capacity=5)])
def test_names_that_keep_to_their_limit_are_never_refused_however_many_come_and_go(
    limit: Any, clock: VirtualClock
) -> None:
    registry = RateLimiterRegistry(max_limiters=100, clock=clock)
    for number in range(8000):  # four rounds of a minute
        clock.advance(0.03)
        assert registry.get_or_create(f"api[{number % 2000}]", limit).try_acquire()


def test_what_a_server_said_stays_with_the_name_to_which_it_said_it(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=10, clock=clock)
    registry.get_or_create("api[mallory]", ONE).learn({"Retry-After": "3000"})
    for number in range(90):
        assert registry.get_or_create(f"api[{number}]", ONE).try_acquire()
    clock.advance(2999)
    for number in range(90):
        assert registry.get_or_create(f"api[{number}]", ONE).try_acquire()
    assert not registry.get_or_create("api[mallory]", ONE).try_acquire()
    clock.advance(1)
    assert registry.get_or_create("api[mallory]", ONE).try_acquire()


def test_a_name_may_have_its_limit_once_more_if_ten_times_as_many_as_may_be_there_went_after_it(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit_registry, "_REMEMBERED_AT_LEAST", 1)
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    for others, passes in ((9, False), (11, True)):
        registry.get_or_create("mine", ONE, replace=True).acquire()
        for number in range(others):
            registry.get_or_create(f"{others} {number}", ONE).acquire()
        assert registry.get_or_create("mine", ONE).try_acquire() == passes


def test_a_limiter_that_is_replaced_begins_anew_though_it_had_gone(clock: VirtualClock) -> None:
    registry = RateLimiterRegistry(max_limiters=1, clock=clock)
    registry.get_or_create("mine", ONE).acquire()
    registry.get_or_create("other", ONE)
    assert registry.get_or_create("mine", ONE, replace=True).try_acquire()


@settings(max_examples=50)
@given(
    st.sampled_from(
        [
            TokenBucket(rate=2, capacity=3),
            SlidingWindow(limit=3, period=1.1),
            SlidingWindow(limit=3, period=1.1, buckets=3),
        ]
    ),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.0, 0.05, 0.1, 0.5])), max_size=150),
)
def test_promise_35_no_key_gets_more_than_its_limit_however_often_its_limiter_had_to_go(
    limit: Any, asked: list[tuple[int, float]]
) -> None:
    clock = VirtualClock()
    registry = RateLimiterRegistry(max_limiters=2, clock=clock)
    config = RateLimiterConfig(limit=limit, queue_timeout=0)
    admitted: dict[int, list[tuple[float, int]]] = {}
    for key, gap in asked:
        clock.advance(gap)
        if registry.obtain(f"api[{key}]", config).try_acquire():
            admitted.setdefault(key, []).append((clock.monotonic(), 1))
    for each in admitted.values():
        if isinstance(limit, TokenBucket):
            assert keeps_its_rate(each, limit.rate, limit.capacity)
        else:
            assert most_in_a_window(each, limit.period) <= limit.limit


def test_many_threads_and_keys_admit_no_more_than_each_limit() -> None:
    registry = RateLimiterRegistry(max_limiters=3)
    config = RateLimiterConfig(limit=TokenBucket(rate=1e-6, capacity=20), queue_timeout=0)
    admitted: list[int] = []

    def work() -> None:
        for number in range(300):
            key = number % 8
            if registry.obtain(f"api[{key}]", config).try_acquire():
                admitted.append(key)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(before)
    assert all(admitted.count(key) <= 20 for key in range(8))
    assert admitted
