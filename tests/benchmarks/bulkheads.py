"""What a bulkhead adds to a call that finds a permit free, and succeeds.

Each library is set up for "ten calls at once" as its manual says, and for as many waiting as holdfast lets wait by
default where it has a limit. Beside them stands a semaphore, put around the function by hand: it counts the calls that
run, and that is all.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import threading
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from .contenders import BARE, Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

BULKHEAD_PROMISE = 1.8
"""A call through a bulkhead with a free permit costs at most this many times the bare wrapper."""

PERMITS = 10
PLACES = 50


def semaphore(permits: int) -> Decorator:
    """Return a decorator that lets so many calls run at once."""

    def protect(function: Function) -> Function:
        if iscoroutinefunction(function):
            tasks = asyncio.Semaphore(permits)

            @functools.wraps(function)
            async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
                async with tasks:
                    return await function(*args, **kwargs)

            return async_wrapper

        threads = threading.Semaphore(permits)

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with threads:
                return function(*args, **kwargs)

        return wrapper

    return protect


def _holdfast(permits: int) -> Decorator:
    holdfast = importlib.import_module("holdfast")
    config = holdfast.BulkheadConfig(name="free", max_concurrent=permits, max_queue=PLACES)
    decorator: Decorator = holdfast.Bulkhead(config).protect
    return decorator


def _holdfast_by_name(permits: int) -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").bulkhead(
        f"free-{permits}", max_concurrent=permits, max_queue=PLACES
    )
    return decorator


def _hyx(permits: int) -> Decorator:
    decorator: Decorator = importlib.import_module("hyx.bulkhead").bulkhead(
        max_concurrency=permits, max_capacity=permits + PLACES
    )
    return decorator


def _interlock(permits: int) -> Decorator:
    decorator: Decorator = importlib.import_module("interlock").Pipeline.builder().bulkhead(permits).build()
    return decorator


def _pyresilience(permits: int) -> Decorator:
    pyresilience = importlib.import_module("pyresilience")
    decorator: Decorator = pyresilience.resilient(bulkhead=pyresilience.BulkheadConfig(max_concurrent=permits))
    return decorator


def contenders(permits: int) -> tuple[Contender, ...]:
    """Return the ways to let so many calls of a function run at once."""
    return (
        BARE,
        Contender("semaphore by hand", lambda: semaphore(permits)),
        Contender("holdfast", lambda: _holdfast(permits), "holdfast"),
        Contender("holdfast, by name", lambda: _holdfast_by_name(permits), "holdfast"),
        Contender("hyx", lambda: _hyx(permits), "hyx", only="async"),
        Contender("interlock", lambda: _interlock(permits), "interlock-cb"),
        Contender("pyresilience", lambda: _pyresilience(permits), "pyresilience"),
    )


SITUATIONS = (
    Situation("bulkhead", "a plain function that succeeds, a permit free", plain, promised=BULKHEAD_PROMISE),
    Situation(
        "async-bulkhead",
        "an async function that succeeds, a permit free",
        plain_async,
        asynchronous=True,
        promised=BULKHEAD_PROMISE,
    ),
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    situation.name: functools.partial(measure, contenders(PERMITS), situation) for situation in SITUATIONS
}
