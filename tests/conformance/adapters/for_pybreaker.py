"""pybreaker, for plain functions (its async door is Tornado's), with `throw_new_error_on_trip=False`."""

from __future__ import annotations

from typing import Any

import pybreaker

from .base import SYNC, Adapter, Breaker, Lab, unknown


class _Breaker(Breaker):
    refusals = (pybreaker.CircuitBreakerError,)


class Pybreaker(Adapter):
    name = "pybreaker"
    package = "pybreaker"
    patterns = {"circuit breaker": SYNC}

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        unknown(options, "ignore", "ignored_in_a_row", "ignored_probe", "listener")
        listeners = []
        if "listener" in options:

            class Listener(pybreaker.CircuitBreakerListener):
                def state_change(self, *arguments: Any) -> None:
                    options["listener"]()

            listeners.append(Listener())
        return _Breaker(
            pybreaker.CircuitBreaker(
                fail_max=failures,
                reset_timeout=reset,
                exclude=options.get("ignore"),
                listeners=listeners,
                throw_new_error_on_trip=False,
            )
        )


ADAPTER = Pybreaker()
