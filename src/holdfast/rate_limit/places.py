"""Who stands in the line of a rate limiter: a thread, a task, or a reservation that nobody waits for."""

from __future__ import annotations

from weakref import ref

from ..circuit_breaker.bulkhead.queue import GONE, GRANTED, HELD, WAITING, Place, TaskPlace, ThreadPlace
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import TypeAlias

    Standing: TypeAlias = "WaitingThread | WaitingTask | Booked"

__all__ = ["GONE", "GRANTED", "HELD", "WAITING", "Booked", "Standing", "WaitingTask", "WaitingThread", "rouse"]

NEVER = float("inf")


class WaitingThread(ThreadPlace):
    """A thread's place; it waits for its gate to open, or for its `alarm`."""

    __slots__ = ("__weakref__", "alarm", "called_up", "cost", "me", "until", "whose")

    def __init__(self, cost: int) -> None:
        super().__init__()
        self.me = ref(self)
        self.cost = cost
        self.alarm = NEVER  # when its owner looks again by itself
        self.until = NEVER  # when its owner's time is up
        self.whose = ""  # whose deadline that is, if it is one
        self.called_up = False  # if it was woken since it looked

    def wake(self) -> bool:
        """Open the gate, which may be open already."""
        try:
            self.gate.release()
        except RuntimeError:
            return True  # it is
        return True

    def hush(self) -> None:
        """Close the gate again."""
        self.called_up = False
        self.gate.acquire(blocking=False)


class WaitingTask(TaskPlace):
    """A task's place; it awaits `called`, or its `alarm`."""

    __slots__ = ("alarm", "called_up", "cost", "until", "whose")

    def __init__(self, loop: asyncio.AbstractEventLoop, cost: int) -> None:
        super().__init__(loop)
        self.cost = cost
        self.alarm = NEVER
        self.until = NEVER
        self.whose = ""
        self.called_up = False

    def ring(self, called: asyncio.Future[None]) -> Callable[[object], None]:
        """Return what ends this wait, and no later one, since a sleep that was cancelled ends late."""

        def end(_sleep: object) -> None:
            if called is self.called:
                self.arrive()

        return end

    def hush(self) -> None:
        """Have something to await again."""
        self.called_up = False
        self.called = self._loop.create_future()


class Booked(Place):
    """The place of a reservation: its owner was told a moment, `alarm`, and comes then without being called."""

    __slots__ = ("alarm", "called_up", "cost", "until", "whose")

    def __init__(self, cost: int) -> None:
        super().__init__()
        self.cost = cost
        self.alarm = NEVER
        self.until = NEVER
        self.whose = ""
        self.called_up = True  # nobody is to be woken

    def hush(self) -> None:
        """There is nothing to be closed."""


def rouse(place: Standing) -> bool:
    """Wake whoever has that place, unless that was done since it looked; False if there is nobody left to wake."""
    if place.called_up:
        return True
    place.called_up = True
    return place.wake()
