"""A clock for tests: sleeping takes no time, it only moves the clock's hands."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ..settings import optional_callable, seconds

if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualClock:
    """A `holdfast.Clock` that waits without waiting.

    * `start`: what `monotonic()` says at first, in seconds. Default 0.
    * `wall`: what `time()` says at first, in seconds since 1970-01-01 UTC. Default 2000-01-01.
    * `random`: gives the numbers from 0 to 1 for jitter. Default: 0.5 always, the middle of every range.

    `sleeps` lists every wait, in seconds, in the order in which they began. Threads and tasks may share the clock: each
    sleeper moves it to where it wakes up, never back.

    >>> from holdfast import with_retry
    >>> clock = VirtualClock()
    >>> @with_retry(max_attempts=3, clock=clock)
    ... def fails():
    ...     raise ConnectionError
    >>> try:
    ...     fails()
    ... except ConnectionError:
    ...     print(clock.sleeps, clock.monotonic())
    [1.0, 2.0] 3.0

    Raises `ConfigurationError` if it is told to go back in time.
    """

    def __init__(
        self, *, start: float = 0.0, wall: float = 946_684_800.0, random: Callable[[], float] | None = None
    ) -> None:
        self._now = seconds("VirtualClock", "start", start)
        self._wall = seconds("VirtualClock", "wall", wall) - self._now
        self._random = optional_callable("VirtualClock", "random", random, "() -> number from 0 to 1")
        self._lock = threading.Lock()
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds that have passed, added to `start`."""
        return self._now

    def time(self) -> float:
        """Return the wall clock's time, which passes along, in seconds since 1970-01-01 UTC."""
        return self._wall + self._now

    def set_wall_clock(self, wall: float) -> None:
        """Set the wall clock, as an administrator or a time server would; `monotonic()` does not notice."""
        self._wall = seconds("VirtualClock", "wall", wall) - self._now

    def random(self) -> float:
        """Return the next number for jitter."""
        return 0.5 if self._random is None else float(self._random())

    def advance(self, duration: float) -> None:
        """Let `duration` seconds pass."""
        duration = seconds("VirtualClock", "duration", duration)
        with self._lock:
            self._now += duration

    def sleep(self, duration: float) -> None:
        """Note the wait and let it pass at once."""
        duration = seconds("VirtualClock", "duration", duration)
        wakes = self._now + duration
        with self._lock:
            self.sleeps.append(duration)
            self._now = max(self._now, wakes)

    async def sleep_async(self, duration: float) -> None:
        """Do the same, and give other tasks a turn, in which this one may be cancelled."""
        import asyncio

        await asyncio.sleep(0)
        self.sleep(duration)

    def __repr__(self) -> str:
        return f"VirtualClock(now={self._now:g}, sleeps={self.sleeps})"
