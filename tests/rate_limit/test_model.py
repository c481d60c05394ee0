"""A limiter does what a naive model of it does, whatever is asked of it in whatever order."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from holdfast.errors import RateLimitExceededError
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow, TokenBucket
from holdfast.testing import VirtualClock


class NaiveBucket:
    """The textbook's bucket, in fractions."""

    def __init__(self, limit: TokenBucket, now: float) -> None:
        self.limit = limit
        self.missing = Fraction(0)
        self.at = Fraction(now)

    def pass_time(self, now: float) -> None:
        self.missing = max(Fraction(0), self.missing - Fraction(self.limit.rate) * (Fraction(now) - self.at))
        self.at = Fraction(now)

    def admits(self, now: float, cost: int) -> bool:
        self.pass_time(now)
        return self.missing + cost <= self.limit.capacity

    def take(self, now: float, cost: int) -> None:
        self.pass_time(now)
        self.missing += cost


class NaiveWindow:
    """All that was ever admitted."""

    def __init__(self, limit: SlidingWindow, now: float) -> None:
        self.limit = limit
        self.admitted: list[tuple[float, int]] = []

    def admits(self, now: float, cost: int) -> bool:
        period = Fraction(self.limit.period)
        inside = sum(count for when, count in self.admitted if Fraction(now) - Fraction(when) < period)
        return inside + cost <= self.limit.limit

    def take(self, now: float, cost: int) -> None:
        self.admitted.append((now, cost))


class Machine(RuleBasedStateMachine):
    """Calls, costs, waits, reservations, pauses; the model decides from what it has seen."""

    @initialize(
        limit=st.one_of(
            st.builds(TokenBucket, rate=st.sampled_from([0.3, 1.0, 10.0]), capacity=st.integers(1, 6)),
            st.builds(SlidingWindow, limit=st.integers(1, 6), period=st.sampled_from([0.3, 1.0, 2.5])),
        ),
        start=st.sampled_from([0.0, 0.1, 1e6 + 0.3]),
    )
    def begin(self, limit: Any, start: float) -> None:
        self.clock = VirtualClock(start=start)
        self.limiter = RateLimiter(RateLimiterConfig(limit=limit, queue_timeout=0), clock=self.clock)
        kind: Any = NaiveBucket if isinstance(limit, TokenBucket) else NaiveWindow
        self.model = kind(limit, start)
        self.paused_until = 0.0
        self.call = self.limiter.protect(lambda: None)
        self.asked = self.passed = self.abandoned = 0

    def expect(self, cost: int) -> bool:
        now = self.clock.monotonic()
        admits = now >= self.paused_until and bool(self.model.admits(now, cost))
        self.asked += 1
        if admits:
            self.model.take(now, cost)
            self.passed += 1
        return admits

    @rule(gap=st.sampled_from([0.0, 0.1, 0.3, 1.0, 3.0, 50.0]))
    def time_passes(self, gap: float) -> None:
        self.clock.advance(gap)

    @rule(calls=st.integers(1, 8))
    def guarded_calls(self, calls: int) -> None:
        for _ in range(calls):
            if self.expect(1):
                self.call()
            else:
                with pytest.raises(RateLimitExceededError):
                    self.call()

    @rule(cost=st.integers(1, 6))
    def try_to_acquire(self, cost: int) -> None:
        cost = min(cost, self.limiter.settings.limit.most)
        assert self.limiter.try_acquire(cost) == self.expect(cost)

    @rule(cost=st.integers(1, 6))
    def wait(self, cost: int) -> None:
        cost = min(cost, self.limiter.settings.limit.most)
        self.limiter.acquire(cost, timeout=None)
        now = self.clock.monotonic()
        assert now >= self.paused_until
        assert self.model.admits(now, cost)
        self.model.take(now, cost)
        self.asked += 1
        self.passed += 1

    @rule(cost=st.integers(1, 6))
    def reserve_and_give_back(self, cost: int) -> None:
        cost = min(cost, self.limiter.settings.limit.most)
        reservation = self.limiter.reserve(cost)
        self.asked += 1
        if reservation.cancel():
            self.abandoned += 1
            assert reservation.at == float("inf")
        else:
            now = self.clock.monotonic()
            assert now >= self.paused_until
            assert self.model.admits(now, cost)
            self.model.take(now, cost)
            self.passed += 1

    @rule(pause=st.sampled_from([0.1, 1.0]))
    def server_says_wait(self, pause: float) -> None:
        self.limiter.learn(retry_after=pause)
        self.paused_until = max(self.paused_until, self.clock.monotonic() + pause)

    @invariant()
    def everything_is_counted(self) -> None:
        metrics = self.limiter.metrics
        assert metrics.asked == self.asked
        assert metrics.admitted == self.passed
        assert metrics.abandoned == self.abandoned
        assert metrics.queued == 0
        available = metrics.available
        now = self.clock.monotonic()
        if now < self.paused_until:
            assert available == 0
        else:
            assert available == 0 or self.model.admits(now, available)
            assert not self.model.admits(now, available + 1)


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
