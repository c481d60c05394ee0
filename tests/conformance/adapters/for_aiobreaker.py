"""aiobreaker, for async functions: that is what it is for, and it has no lock for threads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiobreaker

from .base import ASYNC, Adapter, Breaker, Function, Lab, unknown


class _Breaker(Breaker):
    refusals = (aiobreaker.CircuitBreakerError,)

    def __init__(self, breaker: Any) -> None:
        self.breaker = breaker

    def guard(self, function: Function) -> Function:
        guarded: Function = self.breaker()(function)
        return guarded


class Aiobreaker(Adapter):
    name = "aiobreaker"
    package = "aiobreaker"
    patterns = {"circuit breaker": ASYNC}

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe", "listener")
        listeners = []
        if "listener" in options:

            class Listener(aiobreaker.CircuitBreakerListener):
                def state_change(self, *arguments: Any) -> None:
                    options["listener"]()

            listeners.append(Listener())
        return _Breaker(
            aiobreaker.CircuitBreaker(
                fail_max=failures,
                timeout_duration=timedelta(seconds=reset),
                exclude=options.get("ignore"),
                listeners=listeners,
            )
        )


ADAPTER = Aiobreaker()
