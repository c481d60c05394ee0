"""Small guards that are broken on purpose, each in a way that needs a particular interleaving to show."""

from __future__ import annotations

import asyncio
from typing import Any

from .exploring import Scenario
from .worlds import Tasks, Threads


class CheckThenAct:
    """Looks at the count, and then counts: two may find the last place free."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0

    def enter(self) -> bool:
        if self.inside >= self.most:
            return False
        self.inside += 1
        return True


class ReleasedTwice:
    """A permit that is given back by whoever finds it held first; two may find it so."""

    def __init__(self) -> None:
        self.free = 0
        self.held = True

    def release(self) -> None:
        if self.held:
            self.held = False
            self.free += 1


class LostWakeUp:
    """Looks whether there is something under the lock, and begins to wait when it has let the lock go."""

    def __init__(self, world: Threads) -> None:
        self.condition = world.condition()
        self.things: list[int] = []

    def put(self, thing: int) -> None:
        with self.condition:
            self.things.append(thing)
            self.condition.notify()

    def take(self) -> int:
        with self.condition:
            is_empty = not self.things
        if is_empty:
            with self.condition:
                self.condition.wait()
        return self.things.pop()


class LeakyPermits:
    """An async semaphore that forgets who was granted a permit and is cancelled before it has come for it."""

    def __init__(self, permits: int) -> None:
        self.free = permits
        self.waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> None:
        if self.free:
            self.free -= 1
            return
        called = asyncio.get_running_loop().create_future()
        self.waiting.append(called)
        await called

    async def __aexit__(self, *_told: object) -> None:
        while self.waiting:
            called = self.waiting.pop(0)
            if not called.done():
                called.set_result(None)
                return
        self.free += 1


def _check_then_act(world: Threads) -> None:
    guard = CheckThenAct(1)
    for _ in range(2):
        world.start(guard.enter)
    world.run()
    assert guard.inside == 1


def _released_twice(world: Threads) -> None:
    guard = ReleasedTwice()
    for _ in range(2):
        world.start(guard.release)
    world.run()
    assert guard.free == 1


def _lost_wake_up(world: Threads) -> None:
    queue = LostWakeUp(world)
    world.start(queue.take)
    world.start(queue.put, 1)
    world.run()


def _opposite_order(world: Threads) -> None:
    first, second = world.lock(), world.lock()

    def both(one: Any, other: Any) -> None:
        with one, other:
            pass

    world.start(both, first, second)
    world.start(both, second, first)
    world.run()


def _leaky_permits(world: Tasks) -> None:
    permits = LeakyPermits(1)

    async def call() -> None:
        async with permits:
            await asyncio.sleep(0)

    async def main() -> None:
        await world.finish([world.victim(call()) for _ in range(5)])
        assert permits.free == 1

    world.run(main())


WATCHED = (__file__,)

BROKEN = [
    Scenario("check-then-act", _check_then_act, WATCHED),
    Scenario("released-twice", _released_twice, WATCHED),
    Scenario("lost-wake-up", _lost_wake_up, WATCHED),
    Scenario("opposite-order", _opposite_order, WATCHED),
    Scenario("leaky-permits", _leaky_permits),
]
