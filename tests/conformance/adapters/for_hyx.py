"""hyx, which is for async functions. Its `attempts` are the retries after the first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hyx.bulkhead import bulkhead
from hyx.bulkhead.exceptions import BulkheadFull
from hyx.circuitbreaker import consecutive_breaker
from hyx.circuitbreaker.exceptions import BreakerFailing
from hyx.fallback import fallback
from hyx.ratelimit import tokenbucket
from hyx.ratelimit.exceptions import RateLimitExceeded
from hyx.retry import retry
from hyx.retry.backoffs import expo
from hyx.retry.jitters import full
from hyx.timeout import timeout
from hyx.timeout.exceptions import MaxDurationExceeded

from ..endings import NotOfferedError
from .base import ASYNC, Adapter, Breaker, Bulkhead, Function, Lab, Limiter, unknown


class _Breaker(Breaker):
    refusals = (BreakerFailing,)


class _Bulkhead(Bulkhead):
    refusals = (BulkheadFull,)


class _Limiter(Limiter):
    refusals = (RateLimitExceeded,)
    waits = False

    def __init__(self, limiter: Any, limit: int, period: float) -> None:
        self.limiter = limiter
        self.most = lambda window: limit + limit * window / period

    def guard(self, function: Function, cost: int = 1) -> Function:
        guarded: Function = self.limiter(function)
        return guarded


class Hyx(Adapter):
    name = "hyx"
    package = "hyx"
    patterns = dict.fromkeys(("retry", "circuit breaker", "bulkhead", "timeout", "rate limit", "fallback"), ASYNC)

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        unknown(options, "jittered", "growing", "exact", "broad")
        backoff: Any = delay
        if "jittered" in options or "growing" in options:
            first, bound = options.get("jittered") or options["growing"]
            backoff = expo(min_delay_secs=first, max_delay_secs=bound, jitter=full if "jittered" in options else None)
        retries = attempts - 1  # 0 attempts are -1 retries: nonsense here, too
        on = Exception if options.get("broad") else self.failure
        return retry(on=on, attempts=retries, backoff=backoff)(function)

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe")
        counted: Any = self.failure if "ignore" in options else Exception
        return _Breaker(
            consecutive_breaker(
                exceptions=counted, failure_threshold=failures, recovery_time_secs=reset, recovery_threshold=1
            )
        )

    def one_probe(self, breaker: Breaker) -> None:
        raise NotOfferedError

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        return _Bulkhead(lab.inside(lambda: bulkhead(max_concurrency=permits, max_capacity=permits + queue)))

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return lab.inside(lambda: timeout(seconds)(function))

    def timeout_errors(self) -> tuple[type[BaseException], ...]:
        return (MaxDurationExceeded,)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        if patience is not None:
            raise NotOfferedError
        return _Limiter(lab.inside(lambda: tokenbucket(limit, period)), limit, period)

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        async def handler(error: Exception, *arguments: Any) -> Any:
            return await answer()

        return fallback(handler, on=Exception)(function)

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        breaker = self.breaker(lab, failures=failures, ignore=())  # it counts the service's own errors only
        return breaker.guard(self.bulkhead(lab, permits=1).guard(function)), breaker.guard(function)

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        async def answer() -> str:
            return value

        guarded = self.fallback(lab, self.breaker(lab, reset=60).guard(function), answer)
        return guarded, lambda: [lab.call(guarded) for _ in range(3)]


ADAPTER = Hyx()
