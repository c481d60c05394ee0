"""backon: backoff's functions, an attempt timeout, a circuit breaker whose `call` is the guard, and a rate limiter."""

from __future__ import annotations

import functools
from typing import Any

import backon

from .base import BOTH, Adapter, Breaker, Function, Lab, Limiter, unknown
from .for_backoff import Backoff


class _Breaker(Breaker):
    refusals = (backon.CircuitOpenError,)

    def __init__(self, lab: Lab, breaker: Any) -> None:
        self.breaker = breaker
        self.call = breaker.call if lab.door == "sync" else breaker.async_call

    def guard(self, function: Function) -> Function:
        return functools.partial(self.call, function)


class _Limiter(Limiter):
    refusals = (backon.RateLimitError,)
    waits = False

    def __init__(self, lab: Lab, limit: int, period: float) -> None:
        self.lab = lab
        self.limiter = backon.RateLimiter(limit, period)
        self.most = lambda window: limit * (window / period)

    def guard(self, function: Function, cost: int = 1) -> Function:
        if self.lab.door == "sync":
            return functools.partial(self.limiter, function)

        async def limited(*arguments: Any) -> Any:
            if not self.limiter.acquire():
                raise backon.RateLimitError
            return await function(*arguments)

        return limited


def _give_up(details: Any) -> Any:
    """Its hook for "give up instead of raising": an error of one's own, as a result has none."""
    raise ValueError("only bad results")


class Backon(Backoff):
    name = "backon"
    package = "backon"
    patterns = {"retry": BOTH, "circuit breaker": BOTH, "rate limit": BOTH, "timeout": BOTH}
    module = backon

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "total", "cuts", "jittered", "growing", "exact", "told", "bad", "on_retry", "broad")
        more = {"attempt_timeout": options["total"]} if options.get("cuts") else {}
        if "bad" in options:
            more["retry_error_callback"] = _give_up
        return self.decorated(function, attempts, delay, options, **more)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options)
        return _Breaker(
            lab, backon.CircuitBreaker(failure_threshold=failures, recovery_timeout=reset, half_open_max_calls=1)
        )

    def retry_around_breaker(self, lab: Lab, function: Function, breaker: Breaker) -> Function:
        assert isinstance(breaker, _Breaker)
        both = backon.BreakerRetrying(
            backon.constant,
            breaker=breaker.breaker,
            exception=self.failure,
            max_tries=3,
            interval=0.05,
            jitter=None,
            logger=None,
        )
        return functools.partial(both.call if lab.door == "sync" else both.async_call, function)

    def timeout_errors(self) -> tuple[type[BaseException], ...]:
        return (backon.AttemptTimeoutError,)

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return self.decorated(function, 1, 0, {}, attempt_timeout=seconds)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        if patience is not None:
            unknown({"patience": patience})
        return _Limiter(lab, limit, period)


ADAPTER: Adapter = Backon()
