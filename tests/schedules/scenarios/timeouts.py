"""Plain functions with a time limit, in workers."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

from holdfast import Bulkhead, BulkheadConfig, OperationTimeoutError, TimeoutManager
from holdfast._runtime import workers

from ..exploring import Scenario, watching
from ..worlds import Threads

_LIMIT = 1.0


def _send_home(world: Threads) -> None:
    """Wait until no worker has anything to do, and let them all end."""

    def everybody_is_idle() -> bool:
        return sum(strand.daemon and not strand.over for strand in world.scheduler.strands) == len(crew.idle)

    def dismiss() -> None:
        world.scheduler.wait(everybody_is_idle, None, "the workers")
        workers._crew = workers._Crew()
        for worker in crew.idle:
            leaving: Any = SimpleNamespace(perform=lambda _thread: None)
            worker.job = leaving
            worker.ring()
        world.scheduler.wait(lambda: all(s.over or not s.daemon for s in world.scheduler.strands), None, "their end")

    crew = workers._crew
    world.start(dismiss)
    world.run()


def in_time_or_not(world: Threads) -> None:
    """A call has one outcome: its value or our error; it is made once or not at all; nothing stays behind."""
    manager = TimeoutManager()
    begun: Counter[int] = Counter()
    over: Counter[int] = Counter()
    seen: Counter[str] = Counter()

    def service(number: int, takes: float) -> int:
        begun[number] += 1
        world.clock.sleep(takes)
        over[number] += 1
        return number

    guarded = manager.protect(service, _LIMIT)

    def caller(number: int, takes: list[float]) -> None:
        for each in takes:
            try:
                assert guarded(number, each) == number
            except OperationTimeoutError:
                seen["late"] += 1
            else:
                seen["in time"] += 1  # or later, if it was there before its caller could go

    for number in range(3):
        world.start(caller, number, world.random.choices([0.0, 0.5, _LIMIT, 2.0], k=2))
    world.run()
    _send_home(world)
    assert seen.total() == 6
    assert seen["in time"] <= begun.total() <= 6
    assert begun == over
    assert not manager.ledger.jobs
    assert manager.metrics.timed_out == seen["late"]


def permits_until_the_end(world: Threads) -> None:
    """A bulkhead around a timeout keeps the permit of a call that was left behind until that is really over."""
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=9, queue_timeout=None), clock=world.clock)
    manager = TimeoutManager()
    inside: list[int] = []

    def service(takes: float) -> None:
        inside.append(1)
        assert len(inside) == 1, "two at once"
        world.clock.sleep(takes)
        inside.pop()

    guarded = bulkhead.protect(manager.protect(service, _LIMIT))

    def caller(takes: float) -> None:
        try:
            guarded(takes)
        except OperationTimeoutError:
            return

    for takes in world.random.choices([0.0, _LIMIT, 2.0], k=3):
        world.start(caller, takes)
    world.run()
    _send_home(world)
    assert (bulkhead.stats.active, bulkhead.stats.available) == (0, 1)


SCENARIOS = [
    Scenario("timeout-workers", in_time_or_not, watching("_runtime", "timeout")),
    Scenario(
        "timeout-in-bulkhead",
        permits_until_the_end,
        watching("_runtime.leftovers", "_runtime.workers", "circuit_breaker.bulkhead"),
    ),
]
