"""How much may pass, and when: by our own limit, and by what the server has said of its own."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .bucket import Bucket
from .config import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from .config import SlidingWindow
    from .window import Log, Spans

    Measure: TypeAlias = Bucket | Log | Spans
    """What counts admissions; all three answer the same questions."""

_NEVER = float("-inf")
_SAME_WINDOW = 1.0
"""Seconds by which two answers may differ in when the server's window ends, and still mean the same one."""


def measure(limit: TokenBucket | SlidingWindow) -> Measure:
    """Return what counts for such a limit, with nothing counted yet."""
    if isinstance(limit, TokenBucket):
        return Bucket(limit.rate, limit.capacity)
    from .window import Log, Spans  # not every program has one

    if limit.buckets is None:
        return Log(limit.limit, limit.period)
    return Spans(limit.limit, limit.period, limit.buckets)


class Allowance:
    """What may pass. All methods are told the time, in seconds of one clock that never goes back."""

    __slots__ = ("_ends_at", "_left", "_paused_until", "limit", "measure")

    def __init__(self, limit: TokenBucket | SlidingWindow) -> None:
        self.limit = limit
        self.measure = measure(limit)
        self._paused_until = _NEVER
        self._left = 0  # so many the server lets pass until its window ends
        self._ends_at = _NEVER

    def room(self, now: float) -> int:
        """Return how many may pass now; below zero if more have passed than may."""
        if now < self._paused_until:
            return min(0, self.measure.room(now))
        room = self.measure.room(now)
        return min(room, self._left) if now < self._ends_at else room

    def take(self, now: float, amount: int) -> None:
        """Let so many pass now."""
        self.measure.take(now, amount)
        self._left -= amount

    def record(self, times: Sequence[float]) -> None:
        """Let one pass at each of these moments."""
        self.measure.record(times)
        self._left -= len(times)

    def ready(self, now: float, before: int, amount: int, waiting: Callable[[], Iterable[int]]) -> float:
        """Return when so many may pass after `before` others, which are what `waiting` costs, one after the other."""
        total = before + amount
        if now >= self._paused_until and (now >= self._ends_at or total <= self._left):
            at = self.measure.ready(now, total)
            if at is not None:
                return at
        return self._foreseen(max(now, self._paused_until), (*waiting(), amount))

    def _foreseen(self, at: float, costs: Iterable[int]) -> float:
        """Let these pass on trial, one after the other; return when the last one does."""
        trial, left = self.measure.copy(), self._left
        for cost in costs:
            if at < self._ends_at and cost > left:
                at = self._ends_at
            ready = trial.ready(at, cost)
            at = at if ready is None else ready  # None: it costs more than may ever pass
            trial.take(at, cost)
            left -= cost
        return at

    def paused(self, now: float) -> bool:
        """Whether nothing may pass, whatever the limit says."""
        return now < self._paused_until

    def is_fresh(self, now: float) -> bool:
        """Whether a new one would be just the same."""
        return now >= self._paused_until and now >= self._ends_at and self.measure.is_fresh(now)

    def pause(self, until: float) -> None:
        """Let nothing pass until then; a longer pause that was asked for before stays."""
        self._paused_until = max(self._paused_until, until)

    def grant(self, now: float, left: int, ends_at: float) -> None:
        """Let no more than `left` pass until the server's window ends."""
        if now < self._ends_at and ends_at - self._ends_at <= _SAME_WINDOW:
            # Of the same window, and perhaps an older answer: what is less counts.
            left, ends_at = min(left, self._left), max(ends_at, self._ends_at)
        self._left, self._ends_at = left, ends_at

    def adjust(self, limit: TokenBucket | SlidingWindow, now: float) -> None:
        """Follow another limit from now on, and go on counting what was counted."""
        old = self.measure
        if isinstance(old, Bucket) and isinstance(limit, TokenBucket):
            old.adjust(limit.rate, limit.capacity, now)
        else:
            new = measure(limit)
            for time, amount in old.admissions(now):
                new.take(time, amount)
            self.measure = new
        self.limit = limit

    def absorb(self, other: Allowance, now: float) -> None:
        """Become at least as strict as another one of the same limit."""
        theirs: Any = other.measure  # of the same limit, so of the same kind
        self.measure.absorb(theirs, now)
        self.pause(other._paused_until)
        if now < other._ends_at:
            left = min(self._left, other._left) if now < self._ends_at else other._left
            self._left, self._ends_at = left, max(self._ends_at, other._ends_at)
