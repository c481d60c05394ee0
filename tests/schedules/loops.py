"""Event loops that let the next callback be any of those that are ready, in virtual time."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import Any

from tests.support import VirtualLoop

from .scheduler import Scheduler

FAR = 1e6
"""A moment that comes only when there is nothing else to wait for."""

_HASTE = 0.05
"""How often time goes on although there is something to do, as it does while others have the machine."""


class _AnyFirst(deque[Any]):
    """What is ready; `popleft` takes any of it. A few schedules are nearly in order, others hardly."""

    def __init__(self, random: Random, before: Callable[[], None]) -> None:
        super().__init__()
        self._random = random
        self._before = before
        self._disorder = random.choice((0.1, 0.5, 1.0))
        self.digest = 0

    def popleft(self) -> Any:
        self._before()
        if len(self) > 1 and self._random.random() < self._disorder:
            place = self._random.randrange(len(self))
            if isinstance(self[place], TimerHandle):  # those come in the order of their moments, as all rely on
                moment = min(each.when() for each in self if isinstance(each, TimerHandle))
                if self[place].when() > moment:
                    place = next(
                        n for n, each in enumerate(self) if isinstance(each, TimerHandle) and each.when() == moment
                    )
            self.digest = hash((self.digest, place))
            self.rotate(-place)
            chosen = super().popleft()
            self.rotate(place)
            return chosen
        return super().popleft()


class ChoosingLoop(VirtualLoop):
    """A `VirtualLoop` whose callbacks come in an order of the seed's, and that cancels `victims` now and then."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.victims: list[asyncio.Task[Any]] = []
        self.cancelled: Counter[asyncio.Task[Any]] = Counter()
        """How often each was cancelled before it had ended; if it was, it has to end cancelled."""
        self.when_idle: list[Callable[[], None]] = []
        """What is to be looked at before time goes on because there is nothing else to do."""
        self._random = random
        self._cruelty = random.choice((0.0, 0.01, 0.05, 0.2))
        self._ready = _AnyFirst(random, self._before)
        select = self.selector.select

        def hasty(timeout: float | None = None) -> Any:
            waiting = self._scheduled  # type: ignore[attr-defined]
            if timeout == 0 and waiting and waiting[0].when() < FAR and random.random() < _HASTE:
                self.selector.now = max(self.selector.now, waiting[0].when())
            elif timeout:
                for look in self.when_idle:
                    look()
            return select(timeout)

        self.selector.select = hasty  # type: ignore[method-assign]

    @property
    def digest(self) -> int:
        return self._ready.digest

    def _before(self) -> None:
        if self.victims and self._random.random() < self._cruelty:
            victim = self._random.choice(self.victims)
            self.cancelled[victim] += victim.cancel()


class StrandLoop(VirtualLoop):
    """The loop of one thread of a run: it waits at the scheduler, whose time is its own."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._called = False

        def select(timeout: float | None = None) -> Any:
            if timeout == 0:
                scheduler.point("loop")
            else:
                scheduler.wait(lambda: self._called, timeout, "loop")
            self._called = False
            return []

        self.selector.select = select  # type: ignore[method-assign]

    def time(self) -> float:
        return self._scheduler.now

    def _write_to_self(self) -> None:
        self._called = True
