"""What it costs to hand the only permit from one task to the next, with few and with many waiting.

So many tasks wait in one line of one event loop. Whoever gets the permit gives it back at once and joins the end of the
line again, which stays as long as it was; a turn times a stretch of such hand-overs, each of which takes the event
loop one round. Between the turns the permit rests with the last one who got it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from .report import Result, Row, version_of
from .timing import Timer, interleave, turns

HANDOVER_PROMISE = 2.0
"""A hand-over with many waiting costs at most this many times one with few."""

WAITING = (100, 1_000, 10_000, 100_000)

Permit = Callable[[], AbstractAsyncContextManager[Any]]


class Line:
    """Tasks that wait for the only permit, and pass it round whenever a turn is timed."""

    def __init__(self, permit: Permit, waiting: int) -> None:
        self._permit = permit
        self._waiting = waiting
        self._left = 1
        self._closing = False
        self._ended = 0
        self._turn_is_over = asyncio.Event()
        self._next_turn = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def form(self) -> None:
        """Let all of them stand in line, and one have the permit."""
        self._tasks = [asyncio.create_task(self._take_turns()) for _ in range(self._waiting + 1)]
        await self._turn_is_over.wait()

    async def hand_over(self, times: int) -> int:
        """Pass the permit on so often, and return the nanoseconds it took."""
        self._left = times
        self._turn_is_over.clear()
        began = time.perf_counter_ns()
        self._next_turn.set()
        await self._turn_is_over.wait()
        return self._ended - began

    async def close(self) -> None:
        """Let everybody have the permit once more, and go."""
        self._closing = True
        self._next_turn.set()
        await asyncio.gather(*self._tasks)

    async def _take_turns(self) -> None:
        permit = self._permit
        while not self._closing:
            async with permit():
                self._left -= 1
                if not self._left:
                    self._ended = time.perf_counter_ns()
                    self._next_turn.clear()
                    self._turn_is_over.set()
                    await self._next_turn.wait()


def _holdfast(waiting: int) -> Permit:
    holdfast = importlib.import_module("holdfast")
    config = holdfast.BulkheadConfig(name="line", max_concurrent=1, max_queue=waiting, queue_timeout=None)
    permit: Permit = holdfast.Bulkhead(config).acquire_async
    return permit


def _semaphore(waiting: int) -> Permit:
    semaphore = asyncio.Semaphore(1)
    return lambda: semaphore


CONTENDERS: dict[str, Callable[[int], Permit]] = {"holdfast": _holdfast, "asyncio.Semaphore": _semaphore}


def measure_handover(*, rounds: int, seed: int) -> Result:
    """Time hand-overs in lines of several lengths, each compared with the shortest line of its kind."""
    shortest = min(WAITING)
    with asyncio.Runner() as runner:
        lines = {
            (contender, waiting): Line(permit_among(waiting), waiting)
            for contender, permit_among in CONTENDERS.items()
            for waiting in WAITING
        }
        for line in lines.values():
            runner.run(line.form())
        timers = {_name(*key): _timer(line, runner) for key, line in lines.items()}
        # Hundreds of thousands of objects that stay: to look through them after each round would take most of the time.
        gc.collect()
        gc.freeze()
        try:
            timings = interleave(
                timers,
                {_name(contender, waiting): _name(contender, shortest) for contender, waiting in lines},
                rounds=rounds,
                seed=seed,
                passes=turns(timers),
                calls=1,
            )
        finally:
            gc.unfreeze()
        for line in lines.values():
            runner.run(line.close())
    return Result(
        name="handover",
        title="a permit handed to the next of many waiting tasks",
        what="hand-over",
        yardstick=f"the same with {shortest} waiting",
        rounds=rounds,
        best_first=False,
        rows=tuple(
            Row(
                library=_name(contender, waiting),
                version=version_of(contender),
                timing=timings[_name(contender, waiting)],
                promised=HANDOVER_PROMISE if contender == "holdfast" and waiting != shortest else None,
            )
            for contender, waiting in lines
        ),
    )


def _name(contender: str, waiting: int) -> str:
    return f"{contender}, {waiting:,} waiting"


def _timer(line: Line, runner: asyncio.Runner) -> Timer:
    return lambda times: runner.run(line.hand_over(times))


BENCHMARKS: dict[str, Callable[..., Result]] = {"handover": measure_handover}
