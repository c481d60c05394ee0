"""Time and chance: what every guard asks for the hour, a wait, or a random number, so that a test can give its own."""

from __future__ import annotations

from .typed import Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """The five questions that a guard may ask the world.

    `holdfast.testing.VirtualClock` answers them without waiting.
    """

    def monotonic(self) -> float:
        """Return seconds from some fixed point; never goes back, whatever is done to the wall clock."""
        ...

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC; only to read dates that a server sent, never to decide."""
        ...

    def random(self) -> float:
        """Return a number from 0.0 up to, but not including, 1.0."""
        ...

    def sleep(self, duration: float) -> None:
        """Block this thread for so long."""
        ...

    async def sleep_async(self, duration: float) -> None:
        """Suspend this task for so long; ends at once when the task is cancelled."""
        ...
