"""How many bytes are kept after a great many calls through one guard.

Of the calls that are let in, one in a hundred fails, so that what is remembered of failures counts as well. A guard has
been in use for a while before the count begins, so that its history of failures is full.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import breakers, bulkheads, timeouts
from .contenders import AbsentError, Contender, Function
from .report import Result, Row
from .tracing import Traced

GROWTH_PROMISE = 2048
"""What is kept at most, however many calls there were: a window fills as time passes, and numbers become longer."""

CALLS = 1_000_000
REFUSALS = 100_000
CALLS_OF_PEERS = 100_000
"""Tracing makes calls slow, and these are slow as it is; they would be enough to see a single byte for each call."""

WARMING = 5_000
CALLS_PER_FAILURE = 100


@dataclass(frozen=True, slots=True)
class Traffic:
    """How calls end that go on and on."""

    name: str
    title: str
    what: str
    calls: int
    """How many are made through holdfast."""
    make_function: Callable[[], Function]
    make_async_function: Callable[[], Function]


def measure_growth(contenders: Sequence[Contender], traffic: Traffic, *, rounds: int, seed: int) -> Result:
    """Count what each contender keeps, in one round: bytes hardly vary."""
    return Result(
        name=traffic.name,
        title=traffic.title,
        what="kept",
        shown_as="bytes",
        rows=tuple(_row(contender, traffic) for contender in contenders),
    )


def _row(contender: Contender, traffic: Traffic) -> Row:
    ours = contender.distributions == "holdfast"
    calls = traffic.calls if ours else min(traffic.calls, CALLS_OF_PEERS)
    row = functools.partial(
        Row,
        library=f"{contender.name}, {calls:,} {traffic.what}",
        version=contender.version,
        promised=GROWTH_PROMISE if ours else None,
    )
    asynchronous = contender.only == "async"
    with asyncio.Runner() as runner, Traced() as traced:
        try:
            decorate = contender.take(asynchronous=asynchronous)
        except AbsentError as reason:
            return row(absent=str(reason))
        guarded = decorate((traffic.make_async_function if asynchronous else traffic.make_function)())

        def make_calls(calls: int) -> None:
            if asynchronous:
                runner.run(_call_async(guarded, calls))
            else:
                _call(guarded, calls)

        make_calls(WARMING)
        make_calls(WARMING)
        traced.begin()
        make_calls(calls)
        return row(size=traced.growth())


def _call(guarded: Function, calls: int) -> None:
    for _ in itertools.repeat(None, calls):
        try:
            guarded(1)
        except Exception:
            pass


async def _call_async(guarded: Function, calls: int) -> None:
    for _ in itertools.repeat(None, calls):
        try:
            await guarded(1)
        except Exception:
            pass


def _failing_at_times() -> Function:
    calls_until_failure = itertools.cycle(range(CALLS_PER_FAILURE))

    def answer(value: int) -> int:
        if not next(calls_until_failure):
            raise ConnectionError("connection reset")
        return value

    return answer


def _async_failing_at_times() -> Function:
    answer = _failing_at_times()

    async def async_answer(value: int) -> Any:
        return answer(value)

    return async_answer


LET_IN = ("calls", CALLS, _failing_at_times, _async_failing_at_times)
REFUSED = ("refusals", REFUSALS, breakers.failing, breakers.failing_async)

BENCHMARKS: dict[str, Callable[..., Result]] = {
    traffic.name: functools.partial(measure_growth, contenders, traffic)
    for contenders, traffic in (
        (breakers.CLOSED, Traffic("breaker-growth", "what a breaker keeps that stays closed", *LET_IN)),
        (bulkheads.contenders(bulkheads.PERMITS), Traffic("bulkhead-growth", "what a bulkhead keeps", *LET_IN)),
        (timeouts.ASYNC_ONLY, Traffic("timeout-growth", "what async calls with a time limit keep", *LET_IN)),
        (breakers.OPEN, Traffic("refusal-growth", "what a breaker keeps that is open", *REFUSED)),
    )
}
