"""What a limit adds to an async call while few or many other calls wait under limits of their own.

The others wait in the same event loop, for something that does not come before their limit, which is hours away. Each
number of them has an event loop of its own. What is timed are calls that end at once.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Callable

from .contenders import Decorator, Function, plain_async
from .report import Fact, Result, Row, version_of
from .timeouts import in_block
from .timing import CALLS_PER_PASS, async_timer, interleave, turns

PENDING_PROMISE = 1.5
"""A call while very many wait costs at most this many times one while none does: it does not depend on how many wait,
and the rest is for the processor's caches."""

PENDING = (0, 1_000, 100_000)
LIMIT = 36_000.0


def _holdfast() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_timeout(LIMIT)
    return decorator


CONTENDERS: dict[str, Callable[[], Decorator]] = {
    "holdfast": _holdfast,
    "holdfast, deadline block": lambda: in_block(lambda: importlib.import_module("holdfast").deadline, LIMIT),
    "asyncio.timeout": lambda: in_block(lambda: asyncio.timeout, LIMIT),
}


class Crowd:
    """An event loop in which so many calls wait, each with a limit."""

    def __init__(self, decorate: Decorator, pending: int) -> None:
        self._runner = asyncio.Runner()
        self._decorate = decorate
        self._pending = pending
        self._tasks: list[asyncio.Task[int]] = []
        self.run = self._runner.run
        self.call: Function = decorate(plain_async())

    async def gather(self) -> None:
        """Let all of them begin to wait."""
        await self.call(1)
        waiting = self._decorate(_waiting())
        self._tasks = [asyncio.create_task(waiting(1)) for _ in range(self._pending)]
        await asyncio.sleep(0)

    def timers(self) -> int:
        """Return how many timers the loop has, for all of the limits."""
        handles = self._runner.get_loop()._scheduled  # type: ignore[attr-defined]
        return sum(not handle.cancelled() for handle in handles)

    def close(self) -> None:
        """Let all of them go."""
        self._runner.close()
        self._tasks.clear()


def _waiting() -> Function:
    async def wait(value: int) -> int:
        await asyncio.get_running_loop().create_future()
        return value

    return wait


def measure_pending(*, rounds: int, seed: int) -> Result:
    """Time calls among several numbers of waiting ones, each compared with those of its kind where none waits."""
    crowds = {(kind, pending): Crowd(make(), pending) for kind, make in CONTENDERS.items() for pending in PENDING}
    for crowd in crowds.values():
        crowd.run(crowd.gather())
    timers = {_name(*key): async_timer(crowd.call, "1", crowd.run) for key, crowd in crowds.items()}
    # Hundreds of thousands of objects that stay: to look through them after each round would take most of the time.
    gc.collect()
    gc.freeze()
    try:
        timings = interleave(
            timers,
            {_name(kind, pending): _name(kind, min(PENDING)) for kind, pending in crowds},
            rounds=rounds,
            seed=seed,
            passes=turns(timers),
            calls=CALLS_PER_PASS,
        )
        most = crowds["holdfast", max(PENDING)].timers()
    finally:
        gc.unfreeze()
        for crowd in crowds.values():
            crowd.close()
    return Result(
        name="timeout-pending",
        title="an async function that succeeds in time, while others wait under limits in the same loop",
        what="call",
        yardstick="the same with none waiting",
        rounds=rounds,
        best_first=False,
        rows=tuple(
            Row(
                library=_name(kind, pending),
                version=version_of(kind.partition(",")[0]),
                timing=timings[_name(kind, pending)],
                promised=PENDING_PROMISE if kind == "holdfast" and pending else None,
            )
            for kind, pending in crowds
        ),
        facts=(Fact(f"holdfast has one timer in the loop for {max(PENDING):,} limits", holds=most == 1),),
    )


def _name(kind: str, pending: int) -> str:
    return f"{kind}, {pending:,} waiting"


BENCHMARKS: dict[str, Callable[..., Result]] = {"timeout-pending": measure_pending}
