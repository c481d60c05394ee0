"""How long a call has been waiting in holdfast's own queues, for guards that time calls without that."""

from __future__ import annotations

from contextvars import ContextVar

from ..contexts import Span, innermost
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_running: ContextVar[Stopwatch | None] = ContextVar("holdfast.stopwatch", default=None)


class Stopwatch(Span):
    """Times what is called in its `with` block, less what that waited in queues of ours.

    Tasks and threads that are started in the block in its context are covered too; time in which several of them wait
    counts once. It may be entered again, as a call is that first returns an awaitable and then is awaited.
    """

    __slots__ = ("_began", "_queued")

    def __init__(self, now: float) -> None:
        super().__init__()
        self._began = now
        self._queued: list[tuple[float, float]] = []  # from when to when, in order, none touching another

    def __enter__(self) -> None:
        self.enter(_running)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave(_running, error)

    def elapsed(self, now: float) -> float:
        """Return the seconds up to `now`, without those in queues."""
        return now - self._began - sum(ended - began for began, ended in self._queued)

    def add(self, began: float, ended: float) -> None:
        """Note time in a queue, here and in the stopwatches around this one."""
        outer: Stopwatch | None = innermost(self.outer)
        if outer is not None:
            outer.add(began, ended)
        queued = self._queued
        while queued and queued[-1][1] >= began:
            earlier = queued.pop()
            began, ended = min(began, earlier[0]), max(ended, earlier[1])
        queued.append((began, ended))


def queued(began: float, ended: float) -> None:
    """Tell whoever times the running call from when to when it has waited in a queue."""
    watch = innermost(_running.get())
    if watch is not None:
        watch.add(began, ended)
