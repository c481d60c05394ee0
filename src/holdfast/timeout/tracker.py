"""Deadlines for blocks of code, and which of them are live."""

from __future__ import annotations

from .._runtime.system import as_clock
from ..errors import ConfigurationError
from ..records import Record
from ..settings import shown
from ..switch import is_off
from ..typed import TYPE_CHECKING
from .deadlines import Deadline, deadline_of, named_limit
from .manager import get_timeout_manager
from .scope import Scope

if TYPE_CHECKING:
    from datetime import timedelta
    from types import TracebackType
    from typing import Any

    from ..clock import Clock


class DeadlineMetrics(Record):
    """What a tracker has seen so far: blocks that were entered, those that are `live`, those that `expired`.

    A block has expired if its deadline, the nearest there was, had passed when it ended.
    """

    entered: int
    live: int
    expired: int


class DeadlineTracker:
    """Makes blocks of code have deadlines, and knows which are live; safe to share between threads and tasks.

    `clock`: default the real one.

    >>> tracker = DeadlineTracker()
    >>> with tracker.track(5, name="request"):
    ...     tracker.live
    (Deadline(the deadline 'request': 5 of 5 s left),)

    Raises `ConfigurationError` if `clock` cannot be one.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        import threading

        self.clock = as_clock(clock)
        self._live: dict[int, Deadline] = {}
        self._entered = 0
        self._expired = 0
        self._lock = threading.RLock()  # re-entrant: a finaliser may enter a block

    def track(self, seconds: float | timedelta | Deadline, *, name: str = "", header: object = None) -> DeadlineBlock:
        """Return a block with a deadline; see `holdfast.deadline`."""
        return DeadlineBlock(self, seconds, name, header)

    @property
    def live(self) -> tuple[Deadline, ...]:
        """The deadlines of the blocks that are running now, the nearest first."""
        with self._lock:
            return tuple(sorted(self._live.values(), key=Deadline.remaining))

    @property
    def metrics(self) -> DeadlineMetrics:
        """What the tracker has seen so far."""
        with self._lock:
            return DeadlineMetrics(entered=self._entered, live=len(self._live), expired=self._expired)

    def entered(self, block: DeadlineBlock, deadline: Deadline) -> None:
        """A block begins."""
        with self._lock:
            self._entered += 1
            self._live[id(block)] = deadline

    def left(self, block: DeadlineBlock) -> None:
        """A block is over."""
        with self._lock:
            deadline = self._live.pop(id(block), None)
            if deadline is not None and deadline.expired:
                self._expired += 1


class DeadlineBlock:
    """A block of code with a deadline, for `with` or `async with`; to be entered once."""

    __slots__ = ("_entered", "_given", "_header", "_limit", "_scope", "_tracker")

    def __init__(
        self, tracker: DeadlineTracker, given: float | timedelta | Deadline, name: str, header: object
    ) -> None:
        self._tracker = tracker
        self._header = header
        self._scope: Scope | None = None
        self._entered = False
        if isinstance(given, Deadline):
            if name:
                raise ConfigurationError(f"deadline: {shown(given)} has its name; give no other")
            self._given: Deadline | None = given
            self._limit = given.told
        else:
            self._given = None
            self._limit = named_limit("deadline", given, name)

    def _begin(self) -> Scope:
        if self._entered:
            raise RuntimeError("a deadline block is entered once; make one with deadline(...) for each `with`")
        self._entered = True
        clock, limit = self._tracker.clock, self._limit
        seconds = limit.seconds if self._given is None else self._given.remaining()
        if self._header is not None:
            sent = Deadline.from_header(self._header, name="sent by the caller", clock=clock)
            if sent is not None and sent.seconds < seconds:
                limit, seconds = sent.told, sent.seconds
        if seconds <= 0 and not is_off():
            raise limit.cut_short("the block", 0.0, began=False)
        self._scope = Scope(limit, "the block", clock, seconds, keeper=get_timeout_manager(), is_block=True)
        return self._scope

    def _opened(self, scope: Scope) -> Deadline:
        assert scope.mark is not None  # noqa: S101  it is open
        deadline = deadline_of(scope.mark)
        self._tracker.entered(self, deadline)
        return deadline

    def __enter__(self) -> Deadline:
        scope = self._begin()
        scope.open()
        return self._opened(scope)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(None)

    async def __aenter__(self) -> Deadline:
        scope = self._begin()
        scope.open_cutting()
        return self._opened(scope)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scope = self._scope
        timeout = self._end(error)
        if timeout is None and error is None and scope is not None:
            timeout = scope.late()
        try:
            if timeout is not None:
                raise timeout
        finally:
            del timeout, error

    def __del__(self) -> None:
        if getattr(self, "_scope", None) is not None:  # entering it was interrupted, or it is dropped half-way
            self._end(None)

    def _end(self, error: BaseException | None) -> Any:
        scope, self._scope = self._scope, None
        self._tracker.left(self)
        return None if scope is None else scope.close(error)


_tracker = DeadlineTracker()


def deadline(seconds: float | timedelta | Deadline, *, name: str = "", header: object = None) -> DeadlineBlock:
    """Give a block of code a deadline, which everything that holdfast guards in it keeps to, however deep it is nested.

    * `seconds`: a number, a `timedelta`, or a `Deadline` that was made elsewhere, as in another thread.
    * `name`: for errors.
    * `header`: what a caller in another process sent, made by `Deadline.to_header`; if it is nearer, it counts.
      Anything that is no such value is ignored.

    In a plain `with` nothing is stopped when the time is up: retries wait and try no more, queues give up, timeouts get
    shorter. An `async with` also cancels the block at that moment, waits until it has cleaned up, and raises
    `DeadlineExceededError`.

    A deadline inside another one never lasts longer than that.

    >>> with deadline(5, name="request") as request:
    ...     with deadline(60) as inner:
    ...         inner.limit
    "the deadline 'request'"

    Raises `ConfigurationError` for what is no duration, zero included; entering the block raises
    `DeadlineExceededError` if it is over already, by this deadline or one around it.
    """
    return _tracker.track(seconds, name=name, header=header)


def get_deadline_tracker() -> DeadlineTracker:
    """Return the tracker whose `track` is `deadline`."""
    return _tracker
