"""pyresilience: `resilient`. What one decorated function has, such as a breaker, is shared by calling others through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyresilience
from pyresilience import (
    BulkheadConfig,
    CircuitBreakerConfig,
    EventType,
    FallbackConfig,
    RateLimiterConfig,
    RetryConfig,
    TimeoutConfig,
    resilient,
)

from .base import BOTH, Adapter, Breaker, Bulkhead, Function, Lab, Limiter, unknown


def through(lab: Lab, **settings: Any) -> Callable[[Function], Function]:
    """A guard that several functions share."""

    def call(function: Function, *arguments: Any) -> Any:
        return function(*arguments)

    async def call_async(function: Function, *arguments: Any) -> Any:
        return await function(*arguments)

    guarded = resilient(**settings)(call if lab.door == "sync" else call_async)

    def guard(function: Function) -> Function:
        if lab.door == "sync":
            return lambda *arguments: guarded(function, *arguments)

        async def guarded_async(*arguments: Any) -> Any:
            return await guarded(function, *arguments)

        return guarded_async

    return guard


class _Breaker(Breaker):
    refusals = (pyresilience.CircuitOpenError,)


class _Bulkhead(Bulkhead):
    refusals = (pyresilience.BulkheadFullError,)


class _Limiter(Limiter):
    refusals = (pyresilience.RateLimitExceededError,)

    def __init__(self, guard: Any, limit: int, period: float) -> None:
        self._guard = guard
        self.most = lambda window: limit + limit * window / period

    def guard(self, function: Function, cost: int = 1) -> Function:
        if cost != 1:
            unknown({"cost": cost})
        guarded: Function = self._guard(function)
        return guarded


class Pyresilience(Adapter):
    name = "pyresilience"
    package = "pyresilience"
    patterns = dict.fromkeys(("retry", "circuit breaker", "bulkhead", "timeout", "rate limit", "fallback"), BOTH)

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "cuts", "jittered", "growing", "exact", "told", "bad", "on_retry", "broad")
        fields: dict[str, Any] = {"delay": delay, "backoff_factor": 1, "max_delay": 3600, "jitter": False}
        if "jittered" in options or "growing" in options:
            first, bound = options.get("jittered") or options["growing"]
            fields = {"delay": first, "backoff_factor": 2, "max_delay": bound, "jitter": "jittered" in options}
        if "told" in options:
            fields["delay_func"] = lambda attempt, trigger: options["told"](trigger)
        if "bad" in options:
            fields["retry_on_result"] = options["bad"]
        settings: dict[str, Any] = {}
        if "total" in options:
            settings["timeout"] = TimeoutConfig(seconds=options["total"], per_attempt=False)
        if "on_retry" in options:
            settings["listeners"] = [
                lambda event: options["on_retry"]() if event.event_type is EventType.RETRY else None
            ]
        kinds = [Exception if options.get("broad") else self.failure]
        return resilient(retry=RetryConfig(max_attempts=attempts, retry_on=kinds, **fields), **settings)(function)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe", "listener")
        config = CircuitBreakerConfig(
            failure_threshold=failures,
            recovery_timeout=reset,
            success_threshold=1,
            ignore_on=options.get("ignore", ()),
        )
        listeners = [lambda event: options["listener"]()] if "listener" in options else []
        return _Breaker(through(lab, circuit_breaker=config, listeners=listeners))

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        config = BulkheadConfig(max_concurrent=permits, max_wait=patience if queue else 0)
        return _Bulkhead(through(lab, bulkhead=config))

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return resilient(timeout=TimeoutConfig(seconds=seconds))(function)

    def timeout_errors(self) -> tuple[type[BaseException], ...]:
        return (pyresilience.ResilienceTimeoutError,)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        config = RateLimiterConfig(max_calls=limit, period=period, max_wait=60 if patience is None else patience)
        return _Limiter(through(lab, rate_limiter=config), limit, period)

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        async def answer_async(error: BaseException) -> Any:
            return await answer()

        handler: Any = (lambda error: answer()) if lab.door == "sync" else answer_async
        return resilient(fallback=FallbackConfig(handler=handler))(function)

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        guard = through(
            lab,
            circuit_breaker=CircuitBreakerConfig(failure_threshold=failures, recovery_timeout=60),
            bulkhead=BulkheadConfig(max_concurrent=1),
        )
        return guard(function), guard(function)

    def bulkhead_around_timeout(self, lab: Lab, function: Function, *, permits: int, seconds: float) -> Function:
        settings: Any = {"bulkhead": BulkheadConfig(max_concurrent=permits), "timeout": TimeoutConfig(seconds=seconds)}
        return resilient(**settings)(function)

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        guarded = resilient(
            circuit_breaker=CircuitBreakerConfig(failure_threshold=3, recovery_timeout=60),
            fallback=FallbackConfig(handler=value),
        )(function)
        return guarded, lambda: [lab.call(guarded) for _ in range(3)]


ADAPTER = Pyresilience()
