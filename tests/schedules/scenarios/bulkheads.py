"""Threads in a bulkhead, and threads and tasks together."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from typing import Any

from holdfast import Bulkhead, BulkheadConfig, BulkheadFullError, BulkheadTimeoutError

from ..exploring import Scenario, watching
from ..worlds import Threads

_WATCHED = watching("circuit_breaker.bulkhead")


class _Fair(OrderedDict[Any, None]):
    """The queue; whoever leaves it by being granted a permit must be the first in it, and nobody passes it by."""

    def __delitem__(self, place: Any) -> None:
        assert place.state != 0 or place is next(iter(self)), "somebody was let in who was not the first in the queue"
        super().__delitem__(place)

    def before(self, bulkhead: Bulkhead) -> set[Any]:
        """Those who are there, and known to be, before the next one comes."""
        return set(self) if bulkhead.line.busy else set()

    def check(self, before: set[Any]) -> None:
        """Assert that none of them is still waiting as one is let in who came after them."""
        assert not any(place.state == 0 and place in self for place in before), "somebody was overtaken"


class _Room:
    """Counts who is in it."""

    def __init__(self, world: Threads, most: int) -> None:
        self.world = world
        self.most = most
        self.inside = 0

    def enter(self) -> None:
        self.inside += 1
        assert self.inside <= self.most, f"{self.inside} at once"

    def leave(self) -> None:
        self.inside -= 1

    def stay(self) -> None:
        self.enter()
        try:
            self.world.point()
        finally:
            self.leave()


def _check(bulkhead: Bulkhead, seen: Counter[str]) -> None:
    stats, metrics = bulkhead.stats, bulkhead.metrics
    assert (stats.active, stats.queued) == (0, 0)
    assert stats.available == bulkhead.config.max_concurrent, "permits lost or made"
    assert metrics.admitted == metrics.completed == seen["done"]
    assert (metrics.rejected, metrics.timed_out) == (seen["full"], seen["timeout"])


def permits(world: Threads) -> None:
    """Never more than so many inside, none lost, the queue in order, while callers time out."""
    most = world.random.randint(1, 2)
    config = BulkheadConfig(
        max_concurrent=most, max_queue=world.random.choice((0, 1, 9)), queue_timeout=world.random.choice((None, 1.0))
    )
    bulkhead = Bulkhead(config, clock=world.clock)
    bulkhead.line.waiters = queue = _Fair()
    if world.random.random() < 0.2:
        bulkhead.on("execution_started", lambda _event: None)
    room = _Room(world, most)
    seen: Counter[str] = Counter()
    held = world.random.choice((0.0, 0.0, 1.0))

    @bulkhead.protect
    def service(before: set[Any]) -> None:
        queue.check(before)
        room.stay()
        if held:
            room.enter()
            world.clock.sleep(held)
            room.leave()

    def caller(ways: list[str]) -> None:
        for way in ways:
            before = queue.before(bulkhead)
            try:
                if way == "block":
                    with bulkhead.acquire(timeout=world.random.choice((0.0, 1.0, None))):
                        queue.check(before)
                        room.stay()
                else:
                    service(before)
                seen["done"] += 1
            except BulkheadTimeoutError:
                seen["timeout"] += 1
            except BulkheadFullError:
                seen["full"] += 1

    weights = world.random.choice(((1, 0), (0, 1), (1, 1)))
    for _ in range(4):
        world.start(caller, world.random.choices(["call", "block"], weights, k=2))
    world.run()
    _check(bulkhead, seen)


def resizing(world: Threads) -> None:
    """Permits that are given and taken while calls run are neither lost nor made, and nobody waits for ever."""
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=2, max_queue=9, queue_timeout=None), clock=world.clock)
    bulkhead.line.waiters = _Fair()
    room = _Room(world, 3)
    seen: Counter[str] = Counter()
    service = bulkhead.protect(room.stay)

    def caller() -> None:
        for _ in range(2):
            service()
            seen["done"] += 1

    def operator(sizes: list[int]) -> None:
        for size in sizes:
            bulkhead.adjust(BulkheadConfig(max_concurrent=size, max_queue=9, queue_timeout=None))

    for _ in range(3):
        world.start(caller)
    world.start(operator, [world.random.randint(1, 3) for _ in range(3)])
    world.run()
    _check(bulkhead, seen)


def threads_and_tasks(world: Threads) -> None:
    """Threads and cancelled tasks of two event loops share the permits."""
    most = world.random.randint(1, 2)
    timeout = world.random.choice((None, 1.0))
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=most, max_queue=9, queue_timeout=timeout), clock=world.clock)
    bulkhead.line.waiters = _Fair()
    room = _Room(world, most)
    seen: Counter[str] = Counter()
    service = bulkhead.protect(room.stay)

    @bulkhead.protect
    async def async_service() -> None:
        room.enter()
        try:
            await asyncio.sleep(world.random.choice((0.0, 0.0, 1.0)))
        finally:
            room.leave()

    def caller() -> None:
        for _ in range(2):
            try:
                service()
                seen["done"] += 1
            except BulkheadTimeoutError:
                seen["timeout"] += 1

    async def tasks() -> None:
        victims = [asyncio.ensure_future(async_service()) for _ in range(3)]
        cancelled = world.random.sample(victims, k=world.random.randint(0, 2))
        for each in cancelled:
            await asyncio.sleep(0)
            each.cancel()
        for outcome in await asyncio.gather(*victims, return_exceptions=True):
            seen["timeout"] += isinstance(outcome, BulkheadTimeoutError)
            assert outcome is None or isinstance(outcome, (BulkheadTimeoutError, asyncio.CancelledError))

    for _ in range(2):
        world.start(caller)
        world.start_tasks(tasks)
    world.run()
    metrics = bulkhead.metrics
    assert (metrics.active, metrics.queued, metrics.available) == (0, 0, most)
    assert metrics.admitted == metrics.completed
    assert metrics.timed_out == seen["timeout"]


SCENARIOS = [
    Scenario("bulkhead-permits", permits, _WATCHED),
    Scenario("bulkhead-resizing", resizing, _WATCHED),
    Scenario("bulkhead-threads-and-tasks", threads_and_tasks, _WATCHED),
]
