"""What a guard adds to an async call when few or many tasks call at once, each giving way once to the others.

The tasks are made anew in each turn, all call one guarded function, and what is timed is all of it, per call. Where more
tasks come than there are permits, a bulkhead queues them: then it is the queue that is measured.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from . import breakers, bulkheads
from .contenders import BARE, AbsentError, Contender, Decorator, Function
from .report import Result, Row
from .timing import Timer, interleave

TASKS = (1, 100, 10_000)
CALLS_PER_TURN = 10_000
ROUNDS_IN_ONE = 5
FEW = 10
"""So many permits has the bulkhead that lets the other tasks wait."""


def _giving_way() -> Function:
    async def answer(value: int, unit: int = 1) -> int:
        await asyncio.sleep(0)
        return value

    return answer


def _bulkhead(permits: int) -> Decorator:
    holdfast = importlib.import_module("holdfast")
    config = holdfast.BulkheadConfig(name="tasks", max_concurrent=permits, max_queue=max(TASKS), queue_timeout=600)
    decorator: Decorator = holdfast.Bulkhead(config).protect
    return decorator


def _contenders(permits: int) -> tuple[Contender, ...]:
    return (
        BARE,
        Contender("asyncio.Semaphore by hand", lambda: bulkheads.semaphore(permits)),
        Contender("holdfast", lambda: _bulkhead(permits), "holdfast"),
    )


def _timer(decorate: Decorator, tasks: int, runner: asyncio.Runner) -> Timer:
    call = decorate(_giving_way())
    each = CALLS_PER_TURN // tasks

    async def one() -> None:
        for _ in range(each):
            await call(1)

    async def all_of_them() -> int:
        began = time.perf_counter_ns()
        await asyncio.gather(*(one() for _ in range(tasks)))
        return time.perf_counter_ns() - began

    return lambda passes: sum(runner.run(all_of_them()) for _ in range(passes))


def _measure(name: str, title: str, contenders: Sequence[Contender], tasks: int, *, rounds: int, seed: int) -> Result:
    timers: dict[str, Timer] = {}
    absent: dict[str, str] = {}
    with ExitStack() as loops:
        for contender in contenders:
            # A loop for each: an asyncio.Semaphore belongs to the loop that it first waited in.
            runner = loops.enter_context(asyncio.Runner())
            try:
                timers[contender.name] = _timer(contender.take(asynchronous=True), tasks, runner)
            except AbsentError as reason:
                absent[contender.name] = str(reason)
        for timer in timers.values():
            timer(1)
        timings = interleave(
            timers,
            BARE.name,
            rounds=max(2, rounds // ROUNDS_IN_ONE),
            seed=seed,
            passes=dict.fromkeys(timers, 1),
            calls=CALLS_PER_TURN,
        )
    rows: list[Row] = [
        Row(
            library=contender.name,
            version=contender.version,
            timing=timings.get(contender.name),
            absent=absent.get(contender.name, ""),
        )
        for contender in contenders
    ]
    return Result(name, title, "call", tuple(rows), yardstick=BARE.name, rounds=max(2, rounds // ROUNDS_IN_ONE))


def _benchmarks(kind: str, contenders: Sequence[Contender], about: str) -> dict[str, Callable[..., Result]]:
    found: dict[str, Callable[..., Result]] = {}
    for tasks in TASKS:
        name = f"{kind}-tasks-{tasks}"
        title = f"{tasks:,} task{'s' if tasks > 1 else ''} at once, each call giving way once; {about}"
        found[name] = functools.partial(_measure, name, title, contenders, tasks)
    return found


BENCHMARKS: dict[str, Callable[..., Result]] = {
    **_benchmarks("breaker", breakers.CLOSED, "a circuit breaker, closed"),
    **_benchmarks("bulkhead", _contenders(max(TASKS)), "a bulkhead with a permit for each"),
    **_benchmarks("queue", _contenders(FEW), f"a bulkhead with {FEW} permits"),
}
