"""The time in which a limit holds: sets the mark, has the task cut at it, and tells afterwards what came of it."""

from __future__ import annotations

import sys

from .._runtime.system import SystemClock
from ..contexts import restore
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
        self._block: Block | None = None  # while it is open and has set a mark
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
        outer = standing(current.get())
        if mark is outer:
            self.mark = mark
            return
        block = Block(outer)
        self.mark = mark = (*mark[:5], block)
        self._block = block
        current.set(mark)

    def _unset(self, error: BaseException | None) -> None:
        block, self._block = self._block, None
        if block is None:
            return
        if self.is_block or isinstance(error, GeneratorExit):
            block.is_open = False
        restore(current, self.mark, standing(block.outer), error)
        if block.is_open:
            block.outer = None  # of no use any more, and tasks that are begun in one another would make a long chain

    def __del__(self) -> None:
        block = getattr(self, "_block", None)
        if block is not None:  # nobody has closed it
            block.is_open = False
            if self._timers is not None:
                self._timers.take_out(self._number)

    def close(self, error: BaseException | None) -> OperationTimeoutError | None:
        """End it; `error` is what came out. Return our own error if that is how its time was cut short, else None."""
        self._unset(error)
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
