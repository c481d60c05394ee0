"""How long a call has been waiting in holdfast's own queues, for guards that time calls without that."""

from __future__ import annotations

from contextvars import ContextVar

from ..contexts import Span, innermost
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class _Turn(Span):
    """One time that a stopwatch runs."""

    __slots__ = ("watch",)

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self.watch = watch


_running: ContextVar[_Turn | None] = ContextVar("holdfast.stopwatch", default=None)


class Stopwatch:
    """Times what is called in its `with` block, less what that waited in queues of ours.

    Tasks and threads that are started in the block in its context are covered too; time in which several of them wait
    counts once. It may be entered again, as a call is that first returns an awaitable and then is awaited.
    """

    __slots__ = ("_began", "_queued", "_turn")

    def __init__(self, now: float) -> None:
        self._turn: _Turn | None = None
        self._began = now
        self._queued: list[tuple[float, float]] = []  # from when to when, in order, none touching another

    def __enter__(self) -> None:
        self._turn = _Turn(self)
        self._turn.enter(_running)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._turn is not None:
            self._turn.leave(_running)

    def elapsed(self, now: float) -> float:
        """Return the seconds up to `now`, without those in queues."""
        return now - self._began - sum(ended - began for began, ended in self._queued)

    def add(self, began: float, ended: float) -> None:
        """Note time in a queue; time that was noted already counts once."""
        queued = self._queued
        while queued and queued[-1][1] >= began:
            earlier = queued.pop()
            began, ended = min(began, earlier[0]), max(ended, earlier[1])
        queued.append((began, ended))


def queued(began: float, ended: float) -> None:
    """Tell those who time the running call from when to when it has waited in a queue."""
    turn = innermost(_running.get())
    while turn is not None:
        turn.watch.add(began, ended)
        turn = innermost(turn.outer)
