"""Tasks under timeouts and deadlines: what ends, expires and is cancelled in the same moment."""

from __future__ import annotations

import asyncio
from typing import Any

from holdfast import (
    BulkheadConfig,
    CircuitBreakerConfig,
    CircuitOpenError,
    DeadlineExceededError,
    OperationTimeoutError,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    deadline,
    with_timeout,
)
from holdfast.errors import BulkheadFullError, BulkheadTimeoutError

from ..exploring import Scenario
from ..worlds import Tasks

_LIMIT = 2.0


def outcomes(world: Tasks) -> None:
    """A call ends with its value, its own error, our error, or as it was cancelled: nothing lost, doubled or swallowed."""
    running: set[asyncio.Task[Any] | None] = set()

    async def service(takes: float, cleans: float, own: bool, stubborn: bool) -> str:
        assert asyncio.current_task() not in running
        running.add(asyncio.current_task())
        try:
            await asyncio.sleep(takes)
            if own:
                raise TimeoutError("own")
            return "value"
        except asyncio.CancelledError:
            if stubborn and not world.loop.cancelled[asyncio.current_task()]:  # type: ignore[index]
                return "anyway"
            raise
        finally:
            try:
                await asyncio.sleep(cleans)
            finally:
                running.remove(asyncio.current_task())

    quick = with_timeout(_LIMIT)(service)
    slow = with_timeout(_LIMIT)(quick)

    async def call(takes: float) -> str:
        task = asyncio.current_task()
        assert task is not None
        guard = world.random.choice((quick, quick, slow))
        own, stubborn = world.random.random() < 0.2, world.random.random() < 0.2
        try:
            value = await guard(takes, world.random.choice((0.0, 0.0, 0.5)), own, stubborn)
        except OperationTimeoutError:
            value = "late"
        except TimeoutError as error:
            assert own
            assert str(error) == "own"
            value = "own"
        finally:
            assert task not in running, "its clean-up was not waited for"
        await _settled(task, world)
        return value

    async def main() -> None:
        takes = world.random.choices([0.0, 1.0, _LIMIT, _LIMIT, 3.0], k=6)
        for each, outcome in zip(takes, await world.finish([world.victim(call(each)) for each in takes]), strict=True):
            if outcome is asyncio.CancelledError:
                continue
            assert outcome in {"value", "late", "own", "anyway"}, outcome
            assert each <= _LIMIT or outcome in {"late", "anyway"}
        assert not running

    world.run(main())


async def _settled(task: asyncio.Task[Any], world: Tasks) -> None:
    """Assert that nothing is left of a guard's cancellation, and that the task can go on awaiting."""
    assert task.cancelling() == world.loop.cancelled[task]
    await asyncio.sleep(0)
    assert task.cancelling() == world.loop.cancelled[task]


def blocks(world: Tasks) -> None:
    """Deadlines in one another: whichever comes first is told once, at the block that it belongs to."""

    async def call(inner: float, outer: float, takes: float) -> str:
        task = asyncio.current_task()
        assert task is not None
        told = "value"
        try:
            async with deadline(outer):
                try:
                    async with deadline(inner):
                        await asyncio.sleep(takes)
                except DeadlineExceededError:
                    told = "inner"
                    await asyncio.sleep(0)
        except DeadlineExceededError:
            told = "outer"
        await _settled(task, world)
        return told

    async def main() -> None:
        chosen = [
            [world.random.choice((1.0, 2.0)) for _ in range(2)] + [world.random.choice((0.0, 1.0, 3.0))]
            for _ in range(6)
        ]
        ended = await world.finish([world.victim(call(*each)) for each in chosen])
        for (inner, outer, takes), outcome in zip(chosen, ended, strict=True):
            if outcome is asyncio.CancelledError:
                continue
            assert outcome in {"value", "inner", "outer"}, outcome
            assert takes <= min(inner, outer) or outcome != "value", (inner, outer, takes)

    world.run(main())


def policies(world: Tasks) -> None:
    """Under all guards at once, whatever is cancelled when: permits come back, and every call is counted."""
    policy = ResiliencePolicy(
        retry=RetryPolicy.fixed(0.5, max_attempts=3),
        circuit_breaker=CircuitBreakerConfig(failure_threshold=4, reset_timeout=1.0),
        bulkhead=BulkheadConfig(max_concurrent=2, max_queue=3, queue_timeout=1.0),
        timeout=1.0,
    )
    manager = ResilienceManager(clock=world.clock)
    inside: list[int] = []

    async def service() -> str:
        inside.append(1)
        assert len(inside) <= 2
        try:
            await asyncio.sleep(world.random.choice((0.0, 0.0, 0.5, 1.0, 2.0)))
            if world.random.random() < 0.3:
                raise ConnectionResetError
            return "value"
        finally:
            inside.pop()

    async def call(guarded: Any) -> str:
        task = asyncio.current_task()
        assert task is not None
        try:
            return str(await guarded())
        finally:
            assert task.cancelling() == world.loop.cancelled[task]

    async def main() -> None:
        guarded = manager.protect(service, "all", policy)
        ended = await world.finish([world.victim(call(guarded)) for _ in range(8)])
        for outcome in ended:
            assert outcome in ("value", asyncio.CancelledError) or isinstance(
                outcome,
                (
                    ConnectionResetError,
                    OperationTimeoutError,
                    BulkheadTimeoutError,
                    BulkheadFullError,
                    CircuitOpenError,
                ),
            ), outcome
        assert not inside
        bulkhead = manager.bulkheads.get("all").metrics
        assert (bulkhead.active, bulkhead.queued, bulkhead.available) == (0, 0, 2)
        assert bulkhead.admitted == bulkhead.completed
        breaker = manager.breakers.get("all")
        assert breaker.get_stats()["probes"] == 0
        assert sum(breaker.counts[:3]) >= bulkhead.admitted

    world.run(main())


SCENARIOS = [
    Scenario("tasks-timeout-outcomes", outcomes),
    Scenario("tasks-deadline-blocks", blocks),
    Scenario("tasks-policies", policies),
]
