"""The real clock: the operating system's time, sleep and randomness."""

from __future__ import annotations

import sys
import time

from ..errors.exceptions import ConfigurationError
from ..settings import refuse_class, shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock

LONGEST_SLEEP = 1e9
"""Seconds, some thirty years: no operating system refuses that, and several refuse much more."""

LOCK_FREE: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
"""Whether `next` of a counter and single operations on a deque may be relied on to be atomic. Without a GIL, guards
take their locks."""


class SystemClock:
    """The `Clock` that every guard uses unless it is given another."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def random(self) -> float:
        """Return a number from 0.0 up to, but not including, 1.0."""
        import random

        return random.random()  # noqa: S311  jitter, not a secret

    def sleep(self, duration: float) -> None:
        """Block this thread for so long; in the main thread Ctrl-C ends it."""
        time.sleep(min(duration, LONGEST_SLEEP))

    async def sleep_async(self, duration: float) -> None:
        """Suspend this task for so long; ends at once when the task is cancelled."""
        import asyncio

        await asyncio.sleep(min(duration, LONGEST_SLEEP))

    def __repr__(self) -> str:
        return "SystemClock()"


SYSTEM_CLOCK = SystemClock()


def as_clock(clock: Clock | None) -> Clock:
    """Return the clock, the system's if none is given; raise `ConfigurationError` if it cannot be one."""
    if clock is None:
        return SYSTEM_CLOCK
    refuse_class("clock", clock)
    for method in ("monotonic", "time", "random", "sleep", "sleep_async"):
        if not callable(getattr(clock, method, None)):
            raise ConfigurationError(f"clock must have the methods of holdfast.Clock; {shown(clock)} has no {method}()")
    return clock
