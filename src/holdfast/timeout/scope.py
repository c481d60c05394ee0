"""The time in which a limit holds: sets the mark, has the task cut at it, and tells afterwards what came of it."""

from __future__ import annotations

import sys

from .._runtime.system import SystemClock
from ..typed import TYPE_CHECKING
from .marks import current, nearest

if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any

    from .._runtime.timers import Timers
    from ..clock import Clock
    from ..errors import OperationTimeoutError
    from .keeper import Keeper
    from .marks import Limit, Mark


class Scope:
    """A limit of `seconds` from when it is opened, by default all of those that it has. To be opened and closed once.

    `name` is what is done in it, for errors. `keeper` is told if its time was cut short.
    """

    __slots__ = (
        "_clock",
        "_cut",
        "_is_open",
        "_keeper",
        "_name",
        "_number",
        "_outer",
        "_seconds",
        "_timers",
        "limit",
        "mark",
    )

    def __init__(
        self,
        limit: Limit,
        name: str,
        clock: Clock,
        seconds: float | None = None,
        *,
        keeper: Keeper | None = None,
    ) -> None:
        self.limit = limit
        self.mark: Mark | None = None
        self._name = name
        self._clock = clock
        self._keeper = keeper
        self._seconds = limit.seconds if seconds is None else seconds
        self._outer: Mark | None = None
        self._is_open = False
        self._timers: Timers | None = None
        self._number = -1
        self._cut: Any = None

    def measure(self) -> Mark:
        """Return the mark without setting it; raises as `open` does."""
        read = self._clock.monotonic
        return nearest(read() + self._seconds, read, self.limit, self._name)

    def open(self) -> Mark:
        """Set the mark, which all that is called from here on can see. Nobody is cut.

        Raises `DeadlineExceededError` if there is no time left by a limit around this one.
        """
        mark = self.measure()
        self._set(mark)
        return mark

    def open_cutting(self) -> None:
        """The same; and when the time is up, the running task is cancelled."""
        from .._runtime.timers import running_task

        timers, task = running_task()
        real = isinstance(self._clock, SystemClock)
        read = timers.read if real else self._clock.monotonic
        at, clock, holder, limit, _ = nearest(read() + self._seconds, read, self.limit, self._name)
        if holder is task:  # a nearer limit around this one cuts the task in any case
            self.mark = current.get()
            return
        cancelling = task.cancelling()
        self._cut = (at if clock is timers.read else timers.read() + at - clock(), timers.read, task, limit, cancelling)
        self._set((at, clock, task, limit, cancelling))
        self._number = timers.put(self._cut)
        self._timers = timers

    def _set(self, mark: Mark) -> None:
        # No token is kept: an interrupt may come in before it is stored, and the mark would stay for ever.
        self._outer = current.get()
        self.mark = mark
        self._is_open = True
        current.set(mark)

    def _unset(self) -> None:
        self._is_open = False
        if current.get() is self.mark:  # else this is another context
            current.set(self._outer)

    def __del__(self) -> None:
        if getattr(self, "_is_open", False):  # closing it was interrupted
            self._unset()

    def close(self, error: BaseException | None) -> OperationTimeoutError | None:
        """End it; `error` is what came out. Return our own error if that is how its time was cut short, else None."""
        if self._is_open:
            self._unset()
        timers, self._timers = self._timers, None
        failure = None
        if timers is not None:
            fired = not timers.take_out(self._number)
            failure = judged(self._cut, self.limit, self._name, error, fired=fired)
        return self._noted(failure or self.limit.caused(error))

    def _noted(self, failure: OperationTimeoutError | None) -> OperationTimeoutError | None:
        if failure is not None and self._keeper is not None:
            self._keeper.timed_out(self._name, failure)
        return failure

    def late(self) -> OperationTimeoutError | None:
        """Return our own error if what has just ended well took too long by a clock on which nobody can be cut in time.

        On the clock of a test time passes as the test wants. On the real one, a result that is there is no error.
        """
        mark = self.mark
        if mark is None or isinstance(self._clock, SystemClock) or mark[1]() <= mark[0]:
            return None
        return self._noted(expiry(mark[3], self.limit, self._name))


def reset(token: Token[Mark | None]) -> None:
    """Let the mark be the one that was there before."""
    try:
        current.reset(token)
    except ValueError:
        return  # a coroutine that was dropped is closed in whatever context that happens; nothing was set there


def expiry(hit: Limit, own: Limit, name: str) -> OperationTimeoutError:
    """Return the error for `name`, which has `own` as its limit and was ended by `hit`."""
    return own.exceeded() if hit is own else hit.cut_short(name, began=True)


def judged(
    cut: Mark, own: Limit, name: str, error: BaseException | None, *, fired: bool
) -> OperationTimeoutError | None:
    """Say whether `error`, with which a task came back, is the cancellation that we asked for by `cut`, if it `fired`.

    Then our own error is returned in its place; and in any case the cancellation is taken back that was asked for.
    """
    if not fired:
        return None
    _, _, task, hit, cancelling = cut
    if task.uncancel() > cancelling or not isinstance(error, sys.modules["asyncio"].CancelledError):
        return None  # somebody else cancels it as well, and that goes on; or it came to an end of its own
    timeout = expiry(hit, own, name)
    timeout.__cause__ = error  # its traceback shows where the task was hanging
    return timeout
