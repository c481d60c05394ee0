"""What counts admissions, one for each kind of limit; and on trial, to tell when those who wait are going to pass."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .bucket import Bucket
from .config import TokenBucket

if TYPE_CHECKING:
    from typing import TypeAlias

    from .config import SlidingWindow
    from .window import Log, Spans

    Measure: TypeAlias = Bucket | Log | Spans
    """What counts admissions; all three answer the same questions."""

    Word: TypeAlias = tuple[int, float, bool]
    """What was said: so many may pass, until that moment; and whether it was to hold for longer than is believed."""


def measure(limit: TokenBucket | SlidingWindow) -> Measure:
    """Return what counts for such a limit, with nothing counted yet."""
    if isinstance(limit, TokenBucket):
        return Bucket(limit.rate, limit.capacity)
    from .window import Log, Spans  # not every program has one

    if limit.buckets is None:
        return Log(limit.limit, limit.period)
    return Spans(limit.limit, limit.period, limit.buckets)


class Trial:
    """What would pass from now on, reckoned forward in one go; what it is made of is not touched."""

    __slots__ = ("_at", "_measure", "_words")

    def __init__(self, measure: Measure, words: tuple[Word, ...], now: float) -> None:
        self._measure = measure.copy()
        self._words = words
        self._at = now

    def turn(self, cost: int) -> float:
        """Return when the next one may pass, if it costs so much."""
        at = self._at
        for left, until, _ in self._words:
            if cost > left and until > at:
                at = until
        ready = self._measure.ready(at, cost)
        return at if ready is None else ready  # None: it costs more than may ever pass

    def let(self, cost: int, at: float) -> None:
        """Let it pass then, which is not before its turn."""
        self._at = at
        self._measure.take(at, cost)
        if self._words:
            self._words = tuple([(left - cost, until, doubted) for left, until, doubted in self._words if at < until])
