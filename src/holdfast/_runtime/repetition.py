"""What a pattern that calls again must answer, and how one attempt's outcome is handed about.

The two drivers, `threads.repeat` and `aio.repeat`, ask the same questions in the same order; every decision is behind
the questions, so that there is one algorithm and two ways to wait.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from ..clock import Clock

ENOUGH: Final = None
"""The answer of `ended` when there is nothing more to do."""

AT_ONCE: Final = -1.0
"""In place of a wait: begin without one. (A wait of zero still gives other tasks a turn.)"""


class Outcome:
    """How one attempt ended: with a value, or with an error that was caught."""

    __slots__ = ("error", "value")

    def __init__(self, value: Any = None, error: Exception | None = None) -> None:
        self.value = value
        self.error = error


class TimeScope(Protocol):
    """The time that an attempt may take."""

    def open_cutting(self) -> None:
        """It begins; at its end the running task is cancelled."""
        ...

    def close(self, error: BaseException | None) -> Exception | None:
        """The attempt is over, with `error` if it raised one; return our own error if its time was cut short."""
        ...

    def late(self) -> Exception | None:
        """Return our own error if an attempt that was not cut short took too long nevertheless."""
        ...


class Repetition(Protocol):
    """One guarded call that may take several attempts. It is told what happened and says what to do next."""

    name: str
    clock: Clock

    def begin(self) -> bool:
        """An attempt is about to begin; False if it must not."""
        ...

    def discarded(self) -> Any:
        """Return, once, the value of an earlier attempt that is to be closed now that another one begins, or None."""
        ...

    def limited(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return what makes the attempt that has begun, a call of a plain function, in the time that it may take."""
        ...

    def scope(self) -> TimeScope | None:
        """Return the time that the attempt that has begun may take, for an async function, or None."""
        ...

    def ended(self, outcome: Outcome) -> float | None:
        """The attempt ended so; return the seconds to wait before the next one, or `ENOUGH`."""
        ...

    def forget(self) -> None:
        """Let go of values and errors: something that must not be held back is on its way through."""
        ...
