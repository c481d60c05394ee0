"""What a rate limiter adds to a call that it lets pass at once.

Each library is set up for far more calls per second than are made, so that none has to wait; its own manual says how.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

LIMITER_PROMISE = 2.0
"""A call that a limiter lets pass at once costs at most this many times the bare wrapper."""

RATE = 100_000_000
"""Calls per second: more than Python makes."""

WINDOW = 1_000_000
PERIOD = 0.1


def _holdfast(**limit: float) -> Decorator:
    limiter = importlib.import_module("holdfast.rate_limit").RateLimiter(limit, name="free")
    decorator: Decorator = limiter.protect
    return decorator


def _aiolimiter() -> Decorator:
    limiter = importlib.import_module("aiolimiter").AsyncLimiter(RATE, 1)

    def protect(function: Function) -> Function:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            async with limiter:
                return await function(*args, **kwargs)

        return wrapper

    return protect


def _pyrate_limiter() -> Decorator:
    pyrate_limiter = importlib.import_module("pyrate_limiter")
    limiter = pyrate_limiter.Limiter(pyrate_limiter.InMemoryBucket([pyrate_limiter.Rate(WINDOW, 100)]))

    def protect(function: Function) -> Function:
        if iscoroutinefunction(function):

            @functools.wraps(function)
            async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
                await limiter.try_acquire_async("free")
                return await function(*args, **kwargs)

            return async_wrapper

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            limiter.try_acquire("free")
            return function(*args, **kwargs)

        return wrapper

    return protect


CONTENDERS = (
    BARE,
    Contender("holdfast, token bucket", lambda: _holdfast(rate=RATE, capacity=RATE), "holdfast"),
    Contender("holdfast, sliding window", lambda: _holdfast(limit=WINDOW, period=PERIOD), "holdfast"),
    Contender(
        "holdfast, sliding window in 10 buckets", lambda: _holdfast(limit=WINDOW, period=PERIOD, buckets=10), "holdfast"
    ),
    Contender("aiolimiter", _aiolimiter, "aiolimiter", only="async"),
    Contender("pyrate-limiter", _pyrate_limiter, "pyrate-limiter"),
)

SITUATIONS = (
    Situation("limiter", "a plain function that succeeds, within its rate", plain, promised=LIMITER_PROMISE),
    Situation(
        "async-limiter",
        "an async function that succeeds, within its rate",
        plain_async,
        asynchronous=True,
        promised=LIMITER_PROMISE,
    ),
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    situation.name: functools.partial(measure, CONTENDERS, situation) for situation in SITUATIONS
}
