"""How many bytes one circuit breaker, one bulkhead, or the time limit of one function takes.

Thousands are made, under names that exist already, so that what they share counts for nothing: the code, and the config
where one does for all. Each has let a call pass before it is weighed, for some parts may be made only then.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any

from .breakers import FAILURES, RESET_TIMEOUT, interlock_config
from .bulkheads import PERMITS, PLACES
from .contenders import AbsentError, Decorator, Function, bare_wrapper, obtain
from .report import Result, Row, version_of
from .timeouts import LIMIT
from .tracing import Traced

SIZE_PROMISE = 2048
"""One breaker or one bulkhead takes at most so many bytes, beyond what all of them share."""

OBJECTS = 5_000
WARMING = 10

Make = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object to be weighed."""

    name: str
    maker: Callable[[], Make]
    """Imports what it needs, and returns what makes an object with a name."""
    distribution: str = ""
    promised: float | None = None


def measure_size(guard: str, kinds: Sequence[Kind], *, rounds: int, seed: int) -> Result:
    """Weigh objects of each kind, in one round: bytes hardly vary."""
    return Result(
        name=f"{guard}-size",
        title=f"each of {OBJECTS:,} that have let one call pass",
        what=f"per {guard}",
        shown_as="bytes",
        rows=tuple(_weighed(kind) for kind in kinds),
    )


def _weighed(kind: Kind) -> Row:
    version = version_of(kind.distribution) if kind.distribution else ""
    row = functools.partial(Row, library=kind.name, version=version, promised=kind.promised)
    try:
        make = obtain(kind.maker, version)
    except AbsentError as reason:
        return row(absent=str(reason))
    names = [f"name-{number}" for number in range(WARMING + OBJECTS)]
    for name in names[:WARMING]:
        make(name)
    made: list[object] = [None] * OBJECTS
    with Traced() as traced:
        for place, name in enumerate(names[WARMING:]):
            made[place] = make(name)
        return row(size=traced.growth() / OBJECTS)


def _answer() -> int:
    return 1


def _fail() -> int:
    raise ConnectionError("connection reset")


def _having_called(make: Make, how: str = "call") -> Make:
    """Let each object that is made guard a call as well, by the method named."""

    def make_and_call(name: str) -> object:
        guard = make(name)
        getattr(guard, how)(_answer)
        return guard

    return make_and_call


def _holdfast_breaker() -> Make:
    holdfast = importlib.import_module("holdfast")
    config = holdfast.CircuitBreakerConfig()
    return _having_called(lambda name: holdfast.CircuitBreaker(config, name=name), "execute")


def _holdfast_breaker_tripped() -> Make:
    make = _holdfast_breaker()

    def make_and_trip(name: str) -> object:
        breaker = make(name)
        for _ in range(4 * FAILURES):
            with suppress(Exception):
                breaker.execute(_fail)
        return breaker

    return make_and_trip


def _holdfast_breaker_and_config() -> Make:
    holdfast = importlib.import_module("holdfast")
    return _having_called(
        lambda name: holdfast.CircuitBreaker(holdfast.CircuitBreakerConfig(name=name)),
        "execute",
    )


def _pybreaker() -> Make:
    breaker = importlib.import_module("pybreaker").CircuitBreaker
    return _having_called(lambda name: breaker(fail_max=FAILURES, reset_timeout=RESET_TIMEOUT, name=name))


def _circuitbreaker() -> Make:
    breaker = importlib.import_module("circuitbreaker").CircuitBreaker
    return _having_called(lambda name: breaker(FAILURES, RESET_TIMEOUT, name=name))


def _aiobreaker() -> Make:
    breaker = importlib.import_module("aiobreaker").CircuitBreaker
    return _having_called(lambda name: breaker(fail_max=FAILURES, name=name))


def _purgatory() -> Make:
    factory = importlib.import_module("purgatory").SyncCircuitBreakerFactory(FAILURES, RESET_TIMEOUT)

    def make(name: str) -> object:
        with factory.get_breaker(name) as breaker:
            return breaker

    return make


def _hyx_breaker() -> Make:
    breaker = importlib.import_module("hyx.circuitbreaker").consecutive_breaker
    return lambda name: breaker(failure_threshold=FAILURES, recovery_time_secs=RESET_TIMEOUT)


def _interlock_breaker() -> Make:
    interlock = importlib.import_module("interlock")
    config = interlock_config(RESET_TIMEOUT)
    return _having_called(lambda name: interlock.CircuitBreaker(name=name, config=config))


def _pyresilience_breaker() -> Make:
    pyresilience = importlib.import_module("pyresilience")
    config = pyresilience.CircuitBreakerConfig(failure_threshold=FAILURES, recovery_timeout=RESET_TIMEOUT)
    return lambda name: pyresilience.CircuitBreaker(config)


BREAKERS = (
    Kind("holdfast", _holdfast_breaker, "holdfast", SIZE_PROMISE),
    Kind("holdfast, tripped", _holdfast_breaker_tripped, "holdfast", SIZE_PROMISE),
    Kind("holdfast, with a config of its own", _holdfast_breaker_and_config, "holdfast"),
    Kind("pybreaker", _pybreaker, "pybreaker"),
    Kind("circuitbreaker", _circuitbreaker, "circuitbreaker"),
    Kind("aiobreaker", _aiobreaker, "aiobreaker"),
    Kind("purgatory", _purgatory, "purgatory"),
    Kind("hyx", _hyx_breaker, "hyx"),
    Kind("interlock", _interlock_breaker, "interlock-cb"),
    Kind("pyresilience", _pyresilience_breaker, "pyresilience"),
)


def _holdfast_bulkhead() -> Make:
    holdfast = importlib.import_module("holdfast")
    config = holdfast.BulkheadConfig(max_concurrent=PERMITS, max_queue=PLACES)
    return _having_called(lambda name: holdfast.Bulkhead(config, name=name), "execute")


def _holdfast_bulkhead_and_config() -> Make:
    holdfast = importlib.import_module("holdfast")
    config = functools.partial(holdfast.BulkheadConfig, max_concurrent=PERMITS, max_queue=PLACES)
    return _having_called(lambda name: holdfast.Bulkhead(config(name=name)), "execute")


def _hyx_bulkhead() -> Make:
    bulkhead = importlib.import_module("hyx.bulkhead").bulkhead
    return lambda name: bulkhead(max_concurrency=PERMITS, max_capacity=PERMITS + PLACES)


def _interlock_bulkhead() -> Make:
    bulkhead = importlib.import_module("interlock").BulkheadStrategy
    return _having_called(lambda name: bulkhead(PERMITS, name=name), "execute")


BULKHEADS = (
    Kind("holdfast", _holdfast_bulkhead, "holdfast", SIZE_PROMISE),
    Kind("holdfast, with a config of its own", _holdfast_bulkhead_and_config, "holdfast"),
    Kind("threading.Semaphore", lambda: lambda name: threading.Semaphore(PERMITS)),
    Kind("asyncio.Semaphore", lambda: lambda name: asyncio.Semaphore(PERMITS)),
    Kind("hyx", _hyx_bulkhead, "hyx"),
    Kind("interlock", _interlock_bulkhead, "interlock-cb"),
)


def _calling(find: Callable[[], Decorator], function: Function) -> Make:
    """Let each function that is decorated be called as well; the one within is the same for all."""
    decorate = find()
    if not iscoroutinefunction(function):
        return _having_called(lambda name: decorate(function), "__call__")
    loop = asyncio.new_event_loop()

    def make(name: str) -> object:
        guarded = decorate(function)
        loop.run_until_complete(guarded(_answer))
        return guarded

    weakref.finalize(make, loop.close)
    return make


async def _call_async(function: Callable[[], int]) -> int:
    return function()


def _call(function: Callable[[], int]) -> int:
    return function()


def _holdfast_timeout() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_timeout(LIMIT)
    return decorator


TIMEOUTS = (
    Kind("bare wrapper, async", lambda: _calling(lambda: bare_wrapper, _call_async)),
    Kind("holdfast, async", lambda: _calling(_holdfast_timeout, _call_async), "holdfast"),
    Kind("bare wrapper, plain", lambda: _calling(lambda: bare_wrapper, _call)),
    Kind("holdfast, plain", lambda: _calling(_holdfast_timeout, _call), "holdfast"),
)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    "breaker-size": functools.partial(measure_size, "breaker", BREAKERS),
    "bulkhead-size": functools.partial(measure_size, "bulkhead", BULKHEADS),
    "timeout-size": functools.partial(measure_size, "timeout", TIMEOUTS),
}
