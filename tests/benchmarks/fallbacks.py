"""What a fallback adds to a call that succeeds, and what it takes to answer for one that fails.

Beside holdfast stands what one would write by hand: a wrapper that returns the value when the function raises, and, for
last good values, one that stores each result in a dict with the time.
"""

from __future__ import annotations

import functools
import importlib
import time
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

FALLBACK_PROMISE = 1.15
"""A call with a fallback that succeeds costs at most this many times the bare wrapper."""

KEEPING_PROMISE = 3.0
"""The same where each result is kept as the last good value: a key, the time, and a store into a dict."""


def _failing() -> Function:
    def answer(value: int) -> int:
        raise ConnectionError

    return answer


def _failing_async() -> Function:
    async def answer(value: int) -> int:
        raise ConnectionError

    return answer


def _by_hand(function: Function) -> Function:
    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception:
                return 1

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            return 1

    return wrapper


def _keeping_by_hand(function: Function) -> Function:
    kept: dict[Any, tuple[float, Any]] = {}
    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            key = (args, tuple(sorted(kwargs.items())))
            try:
                result = await function(*args, **kwargs)
            except Exception:
                return kept[key][1]
            kept[key] = (time.monotonic(), result)
            return result

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        key = (args, tuple(sorted(kwargs.items())))
        try:
            result = function(*args, **kwargs)
        except Exception:
            return kept[key][1]
        kept[key] = (time.monotonic(), result)
        return result

    return wrapper


def _holdfast(**fields: Any) -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_fallback(**fields)
    return decorator


def _holdfast_by_name() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    holdfast.register_fallback("benchmark", value=1)
    decorator: Decorator = holdfast.with_fallback("benchmark")
    return decorator


def _last_good() -> Any:
    return importlib.import_module("holdfast").LastGood()


ANSWERING = (
    BARE,
    Contender("by hand", lambda: _by_hand),
    Contender("holdfast", lambda: _holdfast(value=1), "holdfast"),
    Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
)
KEEPING = (
    BARE,
    Contender("by hand", lambda: _keeping_by_hand),
    Contender("holdfast", lambda: _holdfast(last_good=_last_good()), "holdfast"),
)
FAILING = (Contender("by hand", lambda: _by_hand), Contender("holdfast", lambda: _holdfast(value=1), "holdfast"))

BENCHMARKS: dict[str, Callable[..., Result]] = {
    situation.name: functools.partial(measure, contenders, situation)
    for contenders, situation in (
        (ANSWERING, Situation("fallback", "a plain function that succeeds", plain, promised=FALLBACK_PROMISE)),
        (
            ANSWERING,
            Situation(
                "async-fallback",
                "an async function that succeeds",
                plain_async,
                asynchronous=True,
                promised=FALLBACK_PROMISE,
            ),
        ),
        (
            KEEPING,
            Situation("last-good", "a plain function that succeeds, its value kept", plain, promised=KEEPING_PROMISE),
        ),
        (
            KEEPING,
            Situation(
                "async-last-good",
                "an async function that succeeds, its value kept",
                plain_async,
                asynchronous=True,
                promised=KEEPING_PROMISE,
            ),
        ),
        (FAILING, Situation("fallback-answer", "a plain function that fails, answered with a value", _failing)),
        (
            FAILING,
            Situation(
                "async-fallback-answer",
                "an async function that fails, answered with a value",
                _failing_async,
                asynchronous=True,
            ),
        ),
    )
}
