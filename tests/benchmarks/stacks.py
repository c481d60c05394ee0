"""What retry, circuit breaker, bulkhead and time limit around one function add to a call that succeeds.

Beside holdfast's stand what one builds today from a library for each, a semaphore and `asyncio.timeout`, and the libraries
that have all of them. They are set up as where they stand alone: three attempts without delay, open after five failures, ten calls
at once. The retry is outermost, so that each attempt asks the breaker, and the bulkhead innermost, but for pyresilience,
which has an order of its own. Async functions have a time limit in a stack of its own, inside of all the others, so that it is
one for each attempt.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from collections.abc import Callable

from . import retries
from .breakers import FAILURES, PEERS as BREAKERS, RESET_TIMEOUT, interlock_breaker
from .bulkheads import PERMITS, PLACES, semaphore
from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result
from .timeouts import LIMIT, in_block

STACK_PROMISE = 3.5
"""A call through all three costs at most this many times one bare wrapper."""

LIMITED_STACK_PROMISE = 6.0
"""An async call through all three and a time limit costs at most this many times one bare wrapper."""


def _stacked(*decorators: Decorator) -> Decorator:
    """Join decorators, the outermost first."""

    def protect(function: Function) -> Function:
        for decorate in reversed(decorators):
            function = decorate(function)
        return function

    return protect


def _holdfast() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    return _stacked(
        holdfast.with_retry(),
        holdfast.CircuitBreaker(holdfast.CircuitBreakerConfig(name="stack")).protect,
        holdfast.Bulkhead(holdfast.BulkheadConfig(name="stack", max_concurrent=PERMITS, max_queue=PLACES)).protect,
    )


def _holdfast_limited() -> Decorator:
    return _stacked(_holdfast(), importlib.import_module("holdfast").with_timeout(LIMIT))


def _holdfast_by_name() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    return _stacked(
        holdfast.with_retry("default"),
        holdfast.with_circuit_breaker("stack"),
        holdfast.bulkhead("stack", max_concurrent=PERMITS, max_queue=PLACES),
    )


def _holdfast_limited_by_name() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    holdfast.get_timeout_manager().register("stack", LIMIT)
    return _stacked(_holdfast_by_name(), holdfast.with_timeout("stack"))


def _by_hand(retry: str, breaker: str) -> Contender:
    """Stack a retry of one library, a breaker of another one, and a semaphore."""
    outer = next(contender for contender in retries.PEERS if contender.name == retry)
    inner = next(contender for contender in BREAKERS if contender.name == breaker)
    return Contender(
        f"{retry}({breaker}(semaphore))",
        lambda: _stacked(outer.decorator(), inner.decorator(), semaphore(PERMITS)),
        f"{outer.distributions} {inner.distributions}",
        only=inner.only,
    )


def _limited_by_hand(retry: str, breaker: str) -> Contender:
    """Stack the same, and `asyncio.timeout` inside of it."""
    stack = _by_hand(retry, breaker)
    return Contender(
        f"{retry}({breaker}(semaphore(timeout)))",
        lambda: _stacked(stack.decorator(), in_block(lambda: asyncio.timeout, LIMIT)),
        stack.distributions,
    )


def _hyx() -> Decorator:
    retry, breaker, bulkhead = (
        importlib.import_module(f"hyx.{pattern}") for pattern in ("retry", "circuitbreaker", "bulkhead")
    )
    return _stacked(
        retry.retry(on=ConnectionError, attempts=3, backoff=0),
        breaker.consecutive_breaker(failure_threshold=FAILURES, recovery_time_secs=RESET_TIMEOUT),
        bulkhead.bulkhead(max_concurrency=PERMITS, max_capacity=PERMITS + PLACES),
    )


def _hyx_limited() -> Decorator:
    return _stacked(_hyx(), in_block(lambda: importlib.import_module("hyx.timeout").timeout, LIMIT))


def interlock_stack(*, limited: bool = False) -> Decorator:
    interlock = importlib.import_module("interlock")
    tenacity = importlib.import_module("tenacity")
    builder = interlock.Pipeline.builder().retry(attempts=3, wait=tenacity.wait_none())
    builder = builder.circuit_breaker(interlock_breaker(RESET_TIMEOUT)).bulkhead(PERMITS)
    decorator: Decorator = (builder.timeout(LIMIT) if limited else builder).build()
    return decorator


def pyresilience_stack(*, limited: bool = False) -> Decorator:
    pyresilience = importlib.import_module("pyresilience")
    decorator: Decorator = pyresilience.resilient(
        retry=pyresilience.RetryConfig(max_attempts=3, delay=0, jitter=False, retry_on=[ConnectionError]),
        circuit_breaker=pyresilience.CircuitBreakerConfig(failure_threshold=FAILURES, recovery_timeout=RESET_TIMEOUT),
        bulkhead=pyresilience.BulkheadConfig(max_concurrent=PERMITS),
        timeout=pyresilience.TimeoutConfig(seconds=LIMIT) if limited else None,
    )
    return decorator


CONTENDERS = (
    BARE,
    Contender("holdfast", _holdfast, "holdfast"),
    Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
    _by_hand("tenacity", "pybreaker"),
    _by_hand("tenacity", "aiobreaker"),
    _by_hand("stamina", "circuitbreaker"),
    _by_hand("backon", "circuitbreaker"),
    Contender("hyx", _hyx, "hyx", only="async"),
    Contender("interlock", interlock_stack, "interlock-cb"),
    Contender("pyresilience", pyresilience_stack, "pyresilience"),
)

LIMITED = (
    BARE,
    Contender("holdfast", _holdfast_limited, "holdfast"),
    Contender("holdfast, by name", _holdfast_limited_by_name, "holdfast"),
    _limited_by_hand("tenacity", "aiobreaker"),
    _limited_by_hand("stamina", "circuitbreaker"),
    _limited_by_hand("backon", "circuitbreaker"),
    Contender("hyx", _hyx_limited, "hyx", only="async"),
    Contender("interlock", lambda: interlock_stack(limited=True), "interlock-cb"),
    Contender("pyresilience", lambda: pyresilience_stack(limited=True), "pyresilience"),
)

SITUATIONS = (
    Situation("stack", "retry(breaker(bulkhead(function))), a plain one that succeeds", plain, promised=STACK_PROMISE),
    Situation(
        "async-stack",
        "retry(breaker(bulkhead(function))), an async one that succeeds",
        plain_async,
        asynchronous=True,
        promised=STACK_PROMISE,
    ),
)
LIMITED_SITUATION = Situation(
    "async-stack-limited",
    "retry(breaker(bulkhead(timeout(function)))), an async one that succeeds",
    plain_async,
    asynchronous=True,
    promised=LIMITED_STACK_PROMISE,
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    **{situation.name: functools.partial(measure, CONTENDERS, situation) for situation in SITUATIONS},
    LIMITED_SITUATION.name: functools.partial(measure, LIMITED, LIMITED_SITUATION),
}
