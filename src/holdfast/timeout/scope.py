"""The time in which a limit holds: sets the mark, has the task cut at it, and tells afterwards what came of it."""

from __future__ import annotations

import sys

from .._runtime.system import SystemClock
from ..contexts import collecting
from ..switch import is_off
from ..typed import TYPE_CHECKING
from .marks import Block, current, current_mark, left, nearest, standing

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
    `is_block`: it is the time of a block of code, which may be left in another place than it was entered in.
    """

    __slots__ = (
        "_block",
        "_clock",
        "_cut",
        "_keeper",
        "_name",
        "_number",
        "_seconds",
        "_timers",
        "at",
        "is_block",
        "is_open",
        "limit",
        "mark",
        "outer",
    )

    def __init__(
        self,
        limit: Limit,
        name: str,
        clock: Clock,
        seconds: float | None = None,
        *,
        keeper: Keeper | None = None,
        is_block: bool = False,
    ) -> None:
        self.limit = limit
        self.mark: Mark | None = None
        self.at = 0.0  # its own moment, whether or not another one is nearer
        self._name = name
        self._clock = clock
        self._keeper = keeper
        self.is_block = is_block
        self._seconds = limit.seconds if seconds is None else seconds
        self._block: Block | None = None
        self.outer: Mark | None = None
        self.is_open = False
        self._timers: Timers | None = None
        self._number = -1
        self._cut: Any = None

    def measure(self) -> Mark:
        """Return the mark without setting it; raises as `open` does."""
        read = self._clock.monotonic
        self.at = read() + self._seconds
        return nearest(self.at, read, self.limit, self._name)

    def open(self) -> Mark:
        """Set the mark, which all that is called from here on can see. Nobody is cut.

        Raises `DeadlineExceededError` if there is no time left by a limit around this one.
        """
        mark = self.measure()
        self._set(mark)
        return mark

    def open_cutting(self) -> None:
        """The same; and when the time is up, the running task is cancelled."""
        if is_off():
            self.open()
            return
        from .._runtime.timers import running_task

        timers, task = running_task()
        real = isinstance(self._clock, SystemClock)
        read = timers.read if real else self._clock.monotonic
        self.at = read() + self._seconds
        nearer = nearest(self.at, read, self.limit, self._name)
        at, clock, holder, limit = nearer[:4]
        if holder is task:  # a nearer limit around this one cuts the task in any case
            self.mark = nearer
            return
        cancelling = task.cancelling()
        moment = at if clock is timers.read else timers.read() + left(nearer)
        self._cut = (moment, timers.read, task, limit, cancelling, None)
        self._set((at, clock, task, limit, cancelling, None))
        self._number = timers.put(self._cut)
        self._timers = timers

    def _set(self, mark: Mark) -> None:
        # No token is kept: an interrupt may come in before it is stored, and the mark would stay for ever.
        self.outer = outer = standing(current.get())
        if self.is_block:
            if outer is not None and outer[5] is not None:
                outer[5].outer = standing(outer[5].outer)  # so that blocks that overlap for ever make no endless chain
            self._block = Block(outer)
            mark = (*mark[:5], self._block)
        self.mark = mark
        self.is_open = True
        if not collecting():
            current.set(mark)

    def _unset(self) -> None:
        here = current.get()
        is_seen = standing(here) is self.mark
        outer = self.outer
        if self._block is not None:
            outer = self._block.outer  # that of calls which have ended meanwhile has given way
            self._block.is_open = False
        if is_seen and not collecting():
            current.set(standing(outer))
        elif not is_seen:
            self._give_way(here)
        self.is_open = False

    def _give_way(self, here: Mark | None) -> None:
        """Take the mark out of those around a block that was begun in this call, and is to go on after it."""
        while here is not None and here[5] is not None:
            if here[5].outer is self.mark:
                here[5].outer = self.outer
                return
            here = here[5].outer

    def __del__(self) -> None:
        if getattr(self, "is_open", False):  # closing it was interrupted, or it was dropped half-way
            self._unset()
            if self._timers is not None:
                self._timers.take_out(self._number)

    def close(self, error: BaseException | None) -> OperationTimeoutError | None:
        """End it; `error` is what came out. Return our own error if that is how its time was cut short, else None."""
        if self.is_open:
            self._unset()
        timers, self._timers = self._timers, None
        failure = None
        if timers is not None:
            fired = not timers.take_out(self._number)
            failure = judged(self._cut, self.limit, self._name, error, fired=fired)
        return self._noted(failure or self.limit.caused(error, self.at))

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
        return self._noted(expiry(mark, self.limit, self._name))


def reset(token: Token[Mark | None]) -> None:
    """Let the mark be the one that was there before."""
    if not collecting():
        try:
            current.reset(token)
        except ValueError:
            return  # a coroutine that was dropped is closed in whatever context that happens; nothing was set there


def expiry(hit: Mark, own: Limit, name: str) -> OperationTimeoutError:
    """Return the error for `name`, which has `own` as its limit and was ended by `hit`."""
    return own.exceeded() if hit[3] is own else hit[3].cut_short(name, hit[0], began=True)


def judged(
    cut: Mark, own: Limit, name: str, error: BaseException | None, *, fired: bool
) -> OperationTimeoutError | None:
    """Say whether `error`, with which a task came back, is the cancellation that we asked for by `cut`, if it `fired`.

    Then our own error is returned in its place; and in any case the cancellation is taken back that was asked for.
    """
    if not fired:
        return None
    task, cancelling = cut[2], cut[4]
    if task.uncancel() > cancelling or not isinstance(error, sys.modules["asyncio"].CancelledError):
        return None  # somebody else cancels it as well, and that goes on; or it came to an end of its own
    timeout = expiry(cut, own, name)
    timeout.__cause__ = error  # its traceback shows where the task was hanging
    return timeout


def cut_around(error: BaseException) -> Limit | None:
    """Return the limit around the running task by which it was cancelled with `error`, or None if it was no limit."""
    # Nothing is a cancellation while asyncio is not there, or is just being imported by another thread.
    cancellation = getattr(sys.modules.get("asyncio"), "CancelledError", ())
    mark = current_mark()
    if mark is None or not isinstance(error, cancellation) or left(mark) > 0:
        return None
    asyncio, task = sys.modules["asyncio"], mark[2]
    if asyncio._get_running_loop() is None or task is not asyncio.current_task():  # noqa: SLF001
        return None
    return mark[3] if task.cancelling() == mark[4] + 1 else None
