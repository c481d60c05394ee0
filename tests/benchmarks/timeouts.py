"""What a time limit adds to a call that ends in time.

Each library has a limit that no call comes near, as its manual says. For an async function the yardstick is
`asyncio.timeout` around the await, in a function with the same parameters: what one writes without a library. For a
plain one it is `executor.submit(function).result(limit)` on a pool of threads; there nearly all of the time goes into
waking up another thread and being woken up by it. If the system has put the two on different cores, that takes several
times longer than on one, and it puts them as it likes, for seconds on end; so plain functions are called once more with
all threads kept on one core, where the figures hardly vary.

What an async limit costs is also shown without the call itself: by what it adds to a call that has none, as a share of
what `asyncio.timeout` adds. A call that never waits leaves the timers that it cancelled to the event loop, which clears
them away after the turn; so there is one more that waits for a round of the loop, in which that is counted.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from inspect import iscoroutinefunction
from itertools import repeat
from typing import Any

from .contenders import Contender, Decorator, Function, Situation, measure, plain, plain_async
from .report import Result

ASYNC_TIMEOUT_PROMISE = 0.25 if sys.version_info < (3, 12) else 0.35
"""An async call with a limit costs at most this share of one in `asyncio.timeout`. That became nearly twice as fast in
CPython 3.12, where it and the loop ask less of the system, so that the share is larger there."""

TIMEOUT_PROMISE = 0.7
"""A plain call with a limit costs at most this share of one that is handed to a pool of threads and waited for."""

LIMIT = 30.0
LONG_TURN = 20_000_000
"""Nanoseconds: long beside the moments that a thread may wait for a core."""


def _asyncio_timeout(function: Function) -> Function:
    async def limited(value: int, unit: int = 1) -> Any:
        async with asyncio.timeout(LIMIT):
            return await function(value, unit)

    return limited


def _asyncio_wait_for(function: Function) -> Function:
    async def limited(value: int, unit: int = 1) -> Any:
        return await asyncio.wait_for(function(value, unit), LIMIT)

    return limited


def _executor(function: Function) -> Function:
    executor = ThreadPoolExecutor()

    def limited(value: int, unit: int = 1) -> Any:
        return executor.submit(function, value, unit).result(LIMIT)

    return limited


def _holdfast(**settings: Any) -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_timeout(LIMIT, **settings)
    return decorator


def _holdfast_by_name() -> Decorator:
    holdfast = importlib.import_module("holdfast")
    holdfast.get_timeout_manager().register("in time", LIMIT)
    decorator: Decorator = holdfast.with_timeout("in time")
    return decorator


def _holdfast_block() -> Decorator:
    return in_block(lambda: importlib.import_module("holdfast").deadline, LIMIT)


def in_block(find: Callable[[], Callable[[float], Any]], limit: float) -> Decorator:
    """Return a decorator that puts calls into a block with a limit; `find` returns what makes the block."""
    block = find()

    def protect(function: Function) -> Function:
        if iscoroutinefunction(function):

            @functools.wraps(function)
            async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
                async with block(limit):
                    return await function(*args, **kwargs)

            return async_wrapper

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with block(limit):
                return function(*args, **kwargs)

        return wrapper

    return protect


def _hyx() -> Decorator:
    return in_block(lambda: importlib.import_module("hyx.timeout").timeout, LIMIT)


def _interlock() -> Decorator:
    interlock = importlib.import_module("interlock")
    in_thread: Decorator = interlock.sync_timeout(LIMIT)
    in_task = in_block(lambda: interlock.timeout, LIMIT)
    return lambda function: (in_task if iscoroutinefunction(function) else in_thread)(function)


def _anyio() -> Decorator:
    fail_after = importlib.import_module("anyio").fail_after

    def protect(function: Function) -> Function:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with fail_after(LIMIT):
                return await function(*args, **kwargs)

        return wrapper

    return protect


def _pyresilience() -> Decorator:
    pyresilience = importlib.import_module("pyresilience")
    decorator: Decorator = pyresilience.resilient(timeout=pyresilience.TimeoutConfig(seconds=LIMIT))
    return decorator


UNLIMITED = Contender("no limit", lambda: lambda function: function)
HOLDFAST = Contender("holdfast", _holdfast, "holdfast")
ASYNCIO_TIMEOUT = Contender("asyncio.timeout", lambda: _asyncio_timeout, only="async")

ASYNC = (
    ASYNCIO_TIMEOUT,
    UNLIMITED,
    Contender("asyncio.wait_for", lambda: _asyncio_wait_for, only="async"),
    HOLDFAST,
    Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
    Contender("holdfast, deadline block", _holdfast_block, "holdfast", promising=False),
    Contender("hyx", _hyx, "hyx", only="async"),
    Contender("interlock", _interlock, "interlock-cb"),
    Contender("anyio", _anyio, "anyio", only="async"),
    Contender("pyresilience", _pyresilience, "pyresilience"),
)
ASYNC_ONLY = tuple(dataclasses.replace(contender, only="async") for contender in ASYNC)
"""The same, to be taken for async functions even by who would take either kind."""

PLAIN = (
    Contender("executor.submit().result()", lambda: _executor, only="sync"),
    UNLIMITED,
    HOLDFAST,
    Contender("holdfast, by name", _holdfast_by_name, "holdfast"),
    Contender("holdfast, cooperative", lambda: _holdfast(mode="cooperative"), "holdfast", promising=False),
    Contender("holdfast, deadline block", _holdfast_block, "holdfast", promising=False),
    Contender("interlock", _interlock, "interlock-cb"),
    Contender("pyresilience", _pyresilience, "pyresilience"),
)


def _waiting_a_round() -> Function:
    async def answer(value: int, unit: int = 1) -> int:
        await asyncio.sleep(0)
        return value

    return answer


def _computing() -> Function:
    """Make a plain function that takes about a millisecond of a processor; the same work for each contender."""
    passes = _passes_in_a_millisecond()

    def answer(value: int, unit: int = 1) -> int:
        for _ in repeat(None, passes):
            pass
        return value

    return answer


@functools.cache
def _passes_in_a_millisecond() -> int:
    passes = 100_000

    def loop() -> int:
        began = time.perf_counter_ns()
        for _ in repeat(None, passes):
            pass
        return time.perf_counter_ns() - began

    return round(passes * 1_000_000 / min(loop() for _ in range(20)))


def _sleeping() -> Function:
    def answer(value: int, unit: int = 1) -> int:
        time.sleep(0.001)
        return value

    return answer


@contextmanager
def _on_one_core() -> Iterator[None]:
    """Keep all threads there are, and those that they start, on the first core that this process may use."""
    allowed = os.sched_getaffinity(0)
    _let_threads_use({min(allowed)})
    try:
        yield
    finally:
        _let_threads_use(allowed)


def _let_threads_use(cores: set[int]) -> None:
    for thread in threading.enumerate():
        if thread.native_id is not None:
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setaffinity(thread.native_id, cores)


def measure_on_one_core(situation: Situation, *, rounds: int, seed: int) -> Result:
    """Time the calls of plain functions with all threads on one core."""
    with _on_one_core():
        return measure(PLAIN, situation, rounds=rounds, seed=seed)


ASYNC_SITUATIONS = (
    Situation(
        "async-timeout",
        "an async function that succeeds in time",
        plain_async,
        asynchronous=True,
        promised=ASYNC_TIMEOUT_PROMISE,
    ),
    Situation(
        "async-timeout-added",
        "the same, without what the call takes by itself",
        plain_async,
        asynchronous=True,
        beyond=UNLIMITED.name,
        added="limit",
        promised=ASYNC_TIMEOUT_PROMISE,
    ),
    Situation(
        "async-timeout-waiting",
        "an async function that waits for one round of the loop, without what the call takes by itself",
        _waiting_a_round,
        asynchronous=True,
        beyond=UNLIMITED.name,
        added="limit",
    ),
)
IN_TIME = Situation(
    "timeout",
    "a plain function that succeeds in time, at once",
    plain,
    turn=LONG_TURN,
    promised=TIMEOUT_PROMISE,
)
PLAIN_SITUATIONS = (
    IN_TIME,
    Situation("timeout-computing", "a plain function that computes for about 1 ms", _computing, turn=LONG_TURN),
    Situation("timeout-sleeping", "a plain function that sleeps for 1 ms", _sleeping, turn=LONG_TURN),
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    **{situation.name: functools.partial(measure, ASYNC, situation) for situation in ASYNC_SITUATIONS},
    **{situation.name: functools.partial(measure, PLAIN, situation) for situation in PLAIN_SITUATIONS},
}
if hasattr(os, "sched_setaffinity"):
    ONE_CORE = dataclasses.replace(IN_TIME, name="timeout-one-core", title=f"{IN_TIME.title}, all threads on one core")
    BENCHMARKS[ONE_CORE.name] = functools.partial(measure_on_one_core, ONE_CORE)
