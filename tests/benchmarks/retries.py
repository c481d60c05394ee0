"""What a retry decorator adds to a call that succeeds, and to one that fails twice and then succeeds.

Each library is set up for "three attempts, on ConnectionError, no delay" as its manual says, and in its leanest way:
what it logs by default is turned off where it lets one. holdfast runs with its defaults on the calls that succeed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from typing import Any
from unittest import mock

from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

RETRY_PROMISE = 1.15
"""A retried call that succeeds costs at most this many times the bare wrapper."""


def _mixed() -> Function:
    found = False

    def look_up(value: int) -> int | None:
        nonlocal found
        found = not found
        return value if found else None

    return look_up


def _failing_twice() -> Function:
    failures = 2

    def answer(value: int) -> int:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError("connection reset")
        failures = 2
        return value

    return answer


def _async_failing_twice() -> Function:
    answer = _failing_twice()

    async def async_answer(value: int) -> int:
        result: int = answer(value)
        return result

    return async_answer


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Let sleeping return at once, for all alike.

    `time.sleep(0)` alone may take 100 µs (the kernel's timer slack), and some libraries leave it out for a zero:
    the figures would tell of that and of nothing else.
    """

    def no_sleep(seconds: float) -> None:
        pass

    async def no_async_sleep(delay: float, result: object = None) -> object:
        return result

    with mock.patch("time.sleep", no_sleep), mock.patch("asyncio.sleep", no_async_sleep):
        yield


def _plain_loop(function: Function) -> Function:
    """Retry as one would by hand, without a library."""
    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            for _ in range(2):
                try:
                    return await function(*args, **kwargs)
                except ConnectionError:
                    pass
            return await function(*args, **kwargs)

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for _ in range(2):
            try:
                return function(*args, **kwargs)
            except ConnectionError:
                pass
        return function(*args, **kwargs)

    return wrapper


def _holdfast() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_retry()
    return decorator


def _holdfast_by_name() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_retry("default")
    return decorator


def _holdfast_without_delay() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    backoff = holdfast.BackoffConfig(type="fixed", initial_delay=0, max_delay=0)
    decorator: Decorator = holdfast.with_retry(holdfast.RetryPolicy(max_attempts=3, backoff=backoff))
    return decorator


def _tenacity() -> Decorator:
    tenacity = importlib.import_module("tenacity")
    decorator: Decorator = tenacity.retry(
        retry=tenacity.retry_if_exception_type(ConnectionError),
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_none(),
        reraise=True,
    )
    return decorator


def _stamina() -> Decorator:
    stamina = importlib.import_module("stamina")
    # Without this it logs each retry at WARNING, which goes to stderr in a program that set up no logging.
    importlib.import_module("stamina.instrumentation").set_on_retry_hooks([])
    decorator: Decorator = stamina.retry(
        on=ConnectionError, attempts=3, timeout=None, wait_initial=0, wait_max=0, wait_jitter=0
    )
    return decorator


def _backoff() -> Decorator:
    backoff = importlib.import_module("backoff")
    decorator: Decorator = backoff.on_exception(
        backoff.constant, ConnectionError, max_tries=3, interval=0, jitter=None, logger=None
    )
    return decorator


def _backon() -> Decorator:
    backon = importlib.import_module("backon")
    # Without handlers and jitter it takes its own fast path.
    decorator: Decorator = backon.on_exception(
        backon.constant, ConnectionError, max_tries=3, interval=0, jitter=None, logger=None
    )
    return decorator


def _opnieuw() -> Decorator:
    # A window of zero seconds makes it give up at the first failure, so it keeps its own (60) and the sleeping is void.
    decorator: Decorator = importlib.import_module("opnieuw").retry(
        retry_on_exceptions=ConnectionError, max_calls_total=3
    )
    return decorator


def _hyx() -> Decorator:
    decorator: Decorator = importlib.import_module("hyx.retry").retry(on=ConnectionError, attempts=3, backoff=0)
    return decorator


PEERS = (
    Contender("tenacity", _tenacity, "tenacity"),
    Contender("stamina", _stamina, "stamina"),
    Contender("backoff", _backoff, "backoff"),
    Contender("backon", _backon, "backon"),
    Contender("opnieuw", _opnieuw, "opnieuw"),
    Contender("hyx", _hyx, "hyx", only="async"),
)

SUCCEEDING = (
    Situation("call", "a plain function that succeeds", plain, promised=RETRY_PROMISE),
    Situation("call-keywords", "the same, called with a keyword argument", plain, "1, unit=2", promised=1.25),
    Situation("call-mixed", "a plain function whose results are of two types in turn", _mixed, promised=1.25),
    Situation("async-call", "an async function that succeeds", plain_async, asynchronous=True, promised=RETRY_PROMISE),
)
RECOVERING = (
    Situation("recovery", "a plain function that fails twice, then succeeds, without delays", _failing_twice),
    Situation(
        "async-recovery",
        "an async function that fails twice, then succeeds, without delays",
        _async_failing_twice,
        asynchronous=True,
    ),
)


def _measure_success(situation: Situation, *, rounds: int, seed: int) -> Result:
    """Time decorated calls that succeed."""
    contenders = (
        BARE,
        Contender("holdfast", _holdfast, "holdfast"),
        Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
        *PEERS,
    )
    return measure(contenders, situation, rounds=rounds, seed=seed)


def _measure_recovery(situation: Situation, *, rounds: int, seed: int) -> Result:
    """Time decorated calls that fail twice and then succeed, with all waiting taken out."""
    contenders = (
        Contender("plain loop", lambda: _plain_loop),
        Contender("holdfast", _holdfast_without_delay, "holdfast"),
        *PEERS,
    )
    with _no_waiting():
        return measure(contenders, situation, rounds=rounds, seed=seed)


BENCHMARKS: dict[str, Callable[..., Result]] = {
    **{situation.name: functools.partial(_measure_success, situation) for situation in SUCCEEDING},
    **{situation.name: functools.partial(_measure_recovery, situation) for situation in RECOVERING},
}
