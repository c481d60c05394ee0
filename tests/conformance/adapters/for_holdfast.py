"""holdfast, as anybody uses it: through its front door."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import holdfast

from .base import BOTH, Adapter, Breaker, Bulkhead, Function, Lab, Limiter, unknown

_numbers = itertools.count()


class _Breaker(Breaker):
    refusals = (holdfast.CircuitOpenError,)

    def __init__(self, breaker: holdfast.CircuitBreaker) -> None:
        self.breaker = breaker
        super().__init__(breaker.protect)


class _Bulkhead(Bulkhead):
    refusals = (holdfast.BulkheadError,)

    def __init__(self, bulkhead: holdfast.Bulkhead) -> None:
        super().__init__(bulkhead.protect)
        self.waiting = lambda: bulkhead.stats.queued


class _Limiter(Limiter):
    refusals = (holdfast.RateLimitExceededError,)

    def __init__(self, limiter: holdfast.RateLimiter, limit: int, period: float) -> None:
        self.limiter = limiter
        self.most = lambda window: limit * (window / period)

    def guard(self, function: Function, cost: int = 1) -> Function:
        guarded: Function = self.limiter.protect(function, cost=cost)
        return guarded


class Holdfast(Adapter):
    name = "holdfast"
    package = "holdfast"
    patterns = dict.fromkeys(("retry", "circuit breaker", "bulkhead", "timeout", "rate limit", "fallback"), BOTH)

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(
            options,
            "total",
            "attempt_limit",
            "jittered",
            "growing",
            "told",
            "bad",
            "on_retry",
            "broad",
            "cuts",
            "exact",
        )
        backoff: Any = {"type": "fixed", "initial_delay": delay, "max_delay": max(delay, 0.0)}
        if "jittered" in options:
            first, bound = options["jittered"]
            backoff = {"type": "full-jitter", "initial_delay": first, "max_delay": bound}
        elif "growing" in options:
            first, bound = options["growing"]
            backoff = {"type": "exponential", "initial_delay": first, "max_delay": bound}
        fields: dict[str, Any] = {"max_attempts": attempts, "backoff": backoff}
        if "total" in options:
            fields["total_timeout"] = options["total"]
        if "attempt_limit" in options:
            fields["attempt_timeout"] = options["attempt_limit"]
        if options.get("cuts"):
            fields["timeout_mode"] = "thread"
        if "bad" in options:
            fields["retry_on_result"] = options["bad"]
        if "on_retry" in options:
            fields["on_retry"] = lambda error, attempt, delay: options["on_retry"]()
        if options.get("broad"):
            fields["retry_on"] = Exception
        return holdfast.with_retry(clock=lab.clock, **fields)(function)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe", "window", "listener")
        fields: dict[str, Any] = {}
        if "ignore" in options:
            fields["ignore"] = options["ignore"]
        if "window" in options:
            fields["failure_window"] = options["window"]
        if "listener" in options:
            fields["on_state_change"] = lambda old, new, metrics: options["listener"]()
        config = holdfast.CircuitBreakerConfig(
            name=f"service {next(_numbers)}",
            failure_threshold=failures,
            reset_timeout=reset,
            half_open_max_calls=1,
            success_threshold=1,
            **fields,
        )
        return _Breaker(holdfast.CircuitBreaker(config, clock=lab.clock))

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        config = holdfast.BulkheadConfig(
            name=f"service {next(_numbers)}", max_concurrent=permits, max_queue=queue, queue_timeout=patience
        )
        return _Bulkhead(holdfast.Bulkhead(config))

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return holdfast.with_timeout(seconds)(function)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        config = holdfast.RateLimiterConfig(
            name=f"service {next(_numbers)}",
            limit=holdfast.SlidingWindow(limit=limit, period=period),
            queue_timeout=patience,
        )
        return _Limiter(holdfast.RateLimiter(config, clock=lab.clock), limit, period)

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        return holdfast.with_fallback(answer)(function)

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        breaker = self.breaker(lab, failures=failures)
        return breaker.guard(self.bulkhead(lab, permits=1).guard(function)), breaker.guard(function)

    def bulkhead_around_timeout(self, lab: Lab, function: Function, *, permits: int, seconds: float) -> Function:
        return self.bulkhead(lab, permits=permits).guard(self.timeout(lab, function, seconds))

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        breaker = self.breaker(lab, reset=60)
        guarded = holdfast.with_fallback(value=value)(breaker.guard(function))
        return guarded, lambda: [lab.call(guarded) for _ in range(3)]


ADAPTER = Holdfast()
