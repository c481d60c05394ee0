"""circuitbreaker: `CircuitBreaker` as a decorator; what is ignored is told by a predicate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import circuitbreaker

from .base import BOTH, Adapter, Breaker, Function, Lab, unknown


class _Breaker(Breaker):
    refusals = (circuitbreaker.CircuitBreakerError,)


class Circuitbreaker(Adapter):
    name = "circuitbreaker"
    package = "circuitbreaker"
    patterns = {"circuit breaker": BOTH, "fallback": BOTH}

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore")
        expected: Any = Exception
        if "ignore" in options:
            ignored = options["ignore"]
            expected = lambda kind, error: issubclass(kind, Exception) and not issubclass(kind, ignored)
        return _Breaker(
            circuitbreaker.CircuitBreaker(
                failure_threshold=failures, recovery_timeout=reset, expected_exception=expected
            )
        )

    def fallback_around_breaker(
        self, lab: Lab, function: Function, value: str
    ) -> tuple[Function, Callable[[], object]]:
        async def async_answer(*arguments: Any) -> str:
            return value

        answer: Function = async_answer if lab.door == "async" else lambda *arguments: value
        guarded = circuitbreaker.CircuitBreaker(failure_threshold=3, recovery_timeout=60, fallback_function=answer)(
            function
        )
        return guarded, lambda: [lab.call(guarded) for _ in range(3)]


ADAPTER = Circuitbreaker()
