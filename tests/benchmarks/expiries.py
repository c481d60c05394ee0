"""How long it takes to end async calls whose time is up.

In each turn a thousand calls begin to wait for something that never comes, all of them are over their limit before the
loop looks for the first time, and each raises its library's error, which is caught. The figure is for one call with all
that belongs to it: its task, the limit, the cancellation and the error. Beside them stand tasks that are cancelled by
hand.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable
from typing import Any

from .contenders import AbsentError, Contender, Decorator, Function
from .report import Result, Row
from .timeouts import in_block
from .timing import Timer, interleave, turns

AT_ONCE = 1_000
LIMIT = 1e-6

TURN = 30_000_000


def _never() -> Function:
    async def wait(value: int) -> int:
        await asyncio.get_running_loop().create_future()
        return value

    return wait


def _by_hand(function: Function) -> Function:
    """Let the loop cancel the task in its next round."""

    async def cancelled(value: int) -> Any:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        return await function(value)

    return cancelled


def _holdfast() -> Decorator:
    decorator: Decorator = importlib.import_module("holdfast").with_timeout(LIMIT)
    return decorator


def _pyresilience() -> Decorator:
    pyresilience = importlib.import_module("pyresilience")
    decorator: Decorator = pyresilience.resilient(timeout=pyresilience.TimeoutConfig(seconds=LIMIT))
    return decorator


def _block(module: str, name: str) -> Callable[[], Decorator]:
    return lambda: in_block(lambda: getattr(importlib.import_module(module), name), LIMIT)


def _anyio() -> Decorator:
    fail_after = importlib.import_module("anyio").fail_after

    def protect(function: Function) -> Function:
        async def wrapper(value: int) -> Any:
            with fail_after(LIMIT):
                return await function(value)

        return wrapper

    return protect


CONTENDERS = (
    Contender("asyncio.timeout", _block("asyncio", "timeout")),
    Contender("cancelled by hand", lambda: _by_hand),
    Contender("holdfast", _holdfast, "holdfast"),
    Contender("holdfast, deadline block", _block("holdfast", "deadline"), "holdfast"),
    Contender("hyx", _block("hyx.timeout", "timeout"), "hyx"),
    Contender("interlock", _block("interlock", "timeout"), "interlock-cb"),
    Contender("anyio", _anyio, "anyio"),
    Contender("pyresilience", _pyresilience, "pyresilience"),
)


def measure_expiries(*, rounds: int, seed: int) -> Result:
    """Time calls that take too long."""
    timers: dict[str, Timer] = {}
    absent: dict[str, str] = {}
    with asyncio.Runner() as runner:
        for contender in CONTENDERS:
            try:
                guarded = contender.take(asynchronous=True)(_never())
            except AbsentError as reason:
                absent[contender.name] = str(reason)
                continue
            timers[contender.name] = _timer(guarded, runner)
        timings = interleave(
            timers, CONTENDERS[0].name, rounds=rounds, seed=seed, passes=turns(timers, length=TURN), calls=AT_ONCE
        )
    return Result(
        name="async-expiry",
        title=f"an async function that takes too long; {AT_ONCE:,} calls at once",
        what="call",
        yardstick=CONTENDERS[0].name,
        rounds=rounds,
        rows=tuple(
            Row(
                library=contender.name,
                version=contender.version,
                timing=timings.get(contender.name),
                absent=absent.get(contender.name, ""),
            )
            for contender in CONTENDERS
        ),
    )


def _timer(guarded: Function, runner: asyncio.Runner) -> Timer:
    async def call() -> bool:
        try:
            await guarded(1)
        except (Exception, asyncio.CancelledError):
            return True
        return False

    async def turn(passes: int) -> int:
        taken = 0
        for _ in range(passes):
            began = time.perf_counter_ns()
            tasks = [asyncio.create_task(call()) for _ in range(AT_ONCE)]
            ended = await asyncio.gather(*tasks)
            taken += time.perf_counter_ns() - began
            if not all(ended):
                raise AssertionError("a call did not end by its limit")
        return taken

    return lambda passes: runner.run(turn(passes))


BENCHMARKS: dict[str, Callable[..., Result]] = {"async-expiry": measure_expiries}
