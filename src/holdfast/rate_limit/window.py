"""Sliding windows: in no window of the length, wherever it begins, are there more admissions than the limit.

`Log` keeps the moment of each admission, which is exact and takes memory for as many as the limit. `Spans` puts the
admissions of a short span together, and counts them all until the last of them has left the window: that takes memory
for a fixed number of spans, and never admits too many, but some a little later than the log would.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..typed import TYPE_CHECKING
from .exact import end_of, passed

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIDIED_FROM = 64


class Log:
    """A sliding window that knows every admission. All methods are told the time, in seconds."""

    __slots__ = ("_gone", "_times", "most", "period")

    def __init__(self, limit: int, period: float) -> None:
        self.most = limit
        self.period = period
        self._times: list[float] = []  # in order
        self._gone = 0  # so many at the front have left the window

    def _expire(self, now: float) -> None:
        times, period, gone = self._times, self.period, self._gone
        if gone == len(times) or not passed(times[gone], now, period):
            return
        gone = bisect_right(times, now - period, gone)
        while not passed(times[gone - 1], now, period):  # the difference was rounded up
            gone = bisect_left(times, times[gone - 1])
        self._gone = gone
        if gone >= _TIDIED_FROM and gone * 2 >= len(times):
            del times[:gone]
            self._gone = 0

    def room(self, now: float) -> int:
        """Return how many may be admitted now; below zero if the limit was lowered."""
        self._expire(now)
        return self.most - len(self._times) + self._gone

    def take(self, now: float, amount: int) -> None:
        """Admit so many now; there must be room."""
        times = self._times
        if times and times[-1] > now:
            now = times[-1]
        times += (now,) * amount

    def record(self, times: Sequence[float]) -> None:
        """Admit one at each of these moments."""
        kept = self._times
        times = sorted(times)  # threads may have noted them out of order, by a hair
        if kept and times[0] < kept[-1]:
            last = kept[-1]
            times = [max(last, time) for time in times]
        kept += times

    def ready(self, now: float, amount: int) -> float | None:
        """Return when so many may be admitted, as told by what has been: None if that needs others to expire first."""
        lacking = amount - self.room(now)
        if lacking <= 0:
            return now
        place = self._gone + lacking - 1
        if place >= len(self._times):
            return None
        return max(now, end_of(self._times[place], self.period))

    def copy(self) -> Log:
        """Return another window in the same state."""
        other = Log(self.most, self.period)
        other._times = self._times[self._gone :]
        return other

    def admissions(self, now: float) -> Sequence[tuple[float, int]]:
        """Return what counts of what was admitted: when, and how much."""
        self._expire(now)
        return [(time, 1) for time in self._times[self._gone :]]


class Spans:
    """A sliding window that keeps count of spans; in no more than `buckets` + 2 of them."""

    __slots__ = ("_spans", "_used", "_width", "buckets", "most", "period")

    def __init__(self, limit: int, period: float, buckets: int) -> None:
        self.most = limit
        self.period = period
        self.buckets = buckets
        self._width = period / buckets
        self._spans: list[tuple[float, float, int]] = []  # its first admission, its last one, and how many; in order
        self._used = 0

    def _expire(self, now: float) -> None:
        spans = self._spans
        while spans and passed(spans[0][1], now, self.period):
            used = self._used - spans[0][2]
            del spans[0]
            self._used = used

    def room(self, now: float) -> int:
        """Return how many may be admitted now; below zero if the limit was lowered."""
        self._expire(now)
        return self.most - self._used

    def take(self, now: float, amount: int) -> None:
        """Admit so many now; there must be room."""
        spans = self._spans
        if spans and now - spans[-1][0] < self._width:
            first, last, count = spans[-1]
            spans[-1] = (first, max(now, last), count + amount)
        else:
            spans += ((now, now, amount),)
        self._used += amount

    def record(self, times: Sequence[float]) -> None:
        """Admit one at each of these moments."""
        spans = self._spans
        last = max(times)
        if spans and last - spans[-1][0] < self._width:
            self.take(last, len(times))
            return
        for time in sorted(times):
            self.take(time, 1)

    def ready(self, now: float, amount: int) -> float | None:
        """Return when so many may be admitted, as told by what has been: None if that needs others to expire first."""
        lacking = amount - self.room(now)
        if lacking <= 0:
            return now
        for _, last, count in self._spans:
            lacking -= count
            if lacking <= 0:
                return max(now, end_of(last, self.period))
        return None

    def copy(self) -> Spans:
        """Return another window in the same state."""
        other = Spans(self.most, self.period, self.buckets)
        other._spans, other._used = self._spans[:], self._used
        return other

    def admissions(self, now: float) -> Sequence[tuple[float, int]]:
        """Return what counts of what was admitted: when, and how much."""
        self._expire(now)
        return [(last, count) for _, last, count in self._spans]
