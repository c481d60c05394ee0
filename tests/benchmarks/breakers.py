"""What a circuit breaker adds to a call that succeeds, and how quickly an open one refuses.

Each library is set up for "opens after five failures, closed again after 30 seconds at the earliest" as its manual
says; one that counts in a window has one of five calls. holdfast runs with its defaults.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from datetime import timedelta
from inspect import iscoroutinefunction
from typing import Any

from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

BREAKER_PROMISE = 1.8
"""A call through a closed breaker costs at most this many times the bare wrapper."""

REFUSAL_PROMISE = 3.5
"""A refusal costs at most this many times an exception that passes the bare wrapper."""

FAILURES = 5
RESET_TIMEOUT = 30.0
LONGER_THAN_ANY_RUN = 86_400.0


def _holdfast(**settings: Any) -> Decorator:
    holdfast = importlib.import_module("holdfast")
    decorator: Decorator = holdfast.CircuitBreaker(holdfast.CircuitBreakerConfig(name="closed", **settings)).protect
    return decorator


def _holdfast_by_name() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_circuit_breaker("closed")
    return decorator


def _holdfast_tripping() -> Decorator:
    return _holdfast(reset_timeout=LONGER_THAN_ANY_RUN, failure_on=ValueError)


def _holdfast_held_open() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    breaker = holdfast.CircuitBreaker(holdfast.CircuitBreakerConfig(name="held"))
    breaker.force_open(hold=True)
    decorator: Decorator = breaker.protect
    return decorator


def _pybreaker(reset_timeout: float) -> Decorator:
    decorator: Decorator = importlib.import_module("pybreaker").CircuitBreaker(
        fail_max=FAILURES, reset_timeout=reset_timeout
    )
    return decorator


def _circuitbreaker(reset_timeout: float) -> Decorator:
    decorator: Decorator = importlib.import_module("circuitbreaker").circuit(
        failure_threshold=FAILURES, recovery_timeout=reset_timeout
    )
    return decorator


def _aiobreaker(reset_timeout: float) -> Decorator:
    decorator: Decorator = importlib.import_module("aiobreaker").CircuitBreaker(
        fail_max=FAILURES, timeout_duration=timedelta(seconds=reset_timeout)
    )
    return decorator


def _purgatory(reset_timeout: float) -> Decorator:
    purgatory = importlib.import_module("purgatory")

    def protect(function: Function) -> Function:
        kind = "Async" if iscoroutinefunction(function) else "Sync"
        factory = getattr(purgatory, f"{kind}CircuitBreakerFactory")
        guarded: Function = factory(default_threshold=FAILURES, default_ttl=reset_timeout)("closed")(function)
        return guarded

    return protect


def _hyx(reset_timeout: float) -> Decorator:
    decorator: Decorator = importlib.import_module("hyx.circuitbreaker").consecutive_breaker(
        exceptions=Exception, failure_threshold=FAILURES, recovery_time_secs=reset_timeout
    )
    return decorator


def interlock_config(reset_timeout: float) -> Any:
    """Return a config of interlock's that trips at so many failures in a row."""
    return importlib.import_module("interlock").Config(
        minimum_number_of_calls=FAILURES,
        window_size=FAILURES,
        failure_rate_threshold=1.0,
        wait_duration_in_open=reset_timeout,
    )


def interlock_breaker(reset_timeout: float) -> Any:
    """Return a breaker of interlock's, which is a decorator too."""
    interlock = importlib.import_module("interlock")
    return interlock.CircuitBreaker(name="closed", config=interlock_config(reset_timeout))


def _pyresilience(reset_timeout: float) -> Decorator:
    pyresilience = importlib.import_module("pyresilience")
    config = pyresilience.CircuitBreakerConfig(failure_threshold=FAILURES, recovery_timeout=reset_timeout)
    decorator: Decorator = pyresilience.resilient(circuit_breaker=config)
    return decorator


def _peers(reset_timeout: float) -> tuple[Contender, ...]:
    return (
        Contender("pybreaker", lambda: _pybreaker(reset_timeout), "pybreaker", only="sync"),
        Contender("circuitbreaker", lambda: _circuitbreaker(reset_timeout), "circuitbreaker"),
        Contender("aiobreaker", lambda: _aiobreaker(reset_timeout), "aiobreaker"),
        Contender("purgatory", lambda: _purgatory(reset_timeout), "purgatory"),
        Contender("hyx", lambda: _hyx(reset_timeout), "hyx", only="async"),
        Contender("interlock", lambda: interlock_breaker(reset_timeout), "interlock-cb"),
        Contender("pyresilience", lambda: _pyresilience(reset_timeout), "pyresilience"),
    )


PEERS = _peers(RESET_TIMEOUT)

CLOSED = (
    BARE,
    Contender("holdfast", _holdfast, "holdfast"),
    Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
    *PEERS,
)
OPEN = (
    BARE,
    Contender("holdfast, tripped", _holdfast_tripping, "holdfast"),
    Contender("holdfast, held open", _holdfast_held_open, "holdfast"),
    *_peers(LONGER_THAN_ANY_RUN),
)
THREADED = tuple(contender for contender in CLOSED if contender.name != "aiobreaker")
"""aiobreaker is for event loops: it has no lock."""


def failing() -> Function:
    """Make a plain function that fails."""

    def fail(value: int) -> int:
        raise ValueError("no value")

    return fail


def failing_async() -> Function:
    """Make an async function that fails."""

    async def fail(value: int) -> int:
        raise ValueError("no value")

    return fail


def opens(contender: Contender, call: Callable[[], object]) -> None:
    """Let calls fail until the function is not reached any more; the yardstick has no circuit that could open."""
    for _ in range(4 * FAILURES):
        try:
            call()
        except ValueError:
            if contender is BARE:
                return
        except Exception:  # each library has its own
            return
    raise AssertionError(f"the circuit of {contender.name} does not open")


SUCCEEDING = (
    Situation("breaker", "a plain function that succeeds, its circuit closed", plain, promised=BREAKER_PROMISE),
    Situation(
        "async-breaker",
        "an async function that succeeds, its circuit closed",
        plain_async,
        asynchronous=True,
        promised=BREAKER_PROMISE,
    ),
)
REFUSED = (
    Situation(
        "refusal",
        "a plain function whose circuit is open; beside it, one that raises",
        failing,
        raising=True,
        check=opens,
        promised=REFUSAL_PROMISE,
    ),
    Situation(
        "async-refusal",
        "an async function whose circuit is open; beside it, one that raises",
        failing_async,
        asynchronous=True,
        raising=True,
        check=opens,
        promised=REFUSAL_PROMISE,
    ),
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    **{situation.name: functools.partial(measure, CLOSED, situation) for situation in SUCCEEDING},
    **{situation.name: functools.partial(measure, OPEN, situation) for situation in REFUSED},
}
