"""The token bucket: tokens come in at a steady rate, up to the capacity; each admission takes what it costs.

What is kept is not how many tokens there are but how many are missing: `spent` of them since the moment `since`, at
which none was missing. In whole numbers, so nothing adds up that was rounded. Hence the guarantee, in any window:
admissions = missing at its end - missing at its begin + what came in meanwhile <= capacity + rate * window.

Described as the "generic cell rate algorithm" in ITU-T I.371, there with the time at which all tokens are back.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .exact import gained, later, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_SURELY_LESS = 1 - 2.0**-48
_SURELY_MORE = 1 + 2.0**-48
_BLOCK = 16
_KEPT = 16
_OLDER = 8
_OF_MANY = 4


class Bucket:
    """A bucket that is full at first. All methods are told the time, in seconds."""

    __slots__ = ("_since", "_spent", "most", "rate")

    def __init__(self, rate: float, capacity: int) -> None:
        self.rate = rate
        self.most = capacity
        self._since = 0.0
        self._spent = 0

    def _missing(self, now: float) -> int:
        """Return how many tokens are missing, a begun one counted as a whole one."""
        return max(0, self._spent - gained(self.rate, self._since, now)) if self._spent else 0

    def room(self, now: float) -> int:
        """Return how many tokens there are; below zero if there is a debt, since the capacity was lowered."""
        return self.most - self._missing(now)

    def take(self, now: float, amount: int) -> None:
        """Take so many tokens, which must be there."""
        if self._missing(now):
            self._spent += amount
        else:
            self._since = now
            self._spent = amount

    def record(self, times: Sequence[float]) -> None:
        """Take one token at each of these moments."""
        times = sorted(times)  # threads may have noted them out of order, by a hair
        if self.rate * (times[-1] - self._since) < self._spent * _SURELY_LESS:
            self._spent += len(times)  # the bucket was full at none of them
        elif not self._record_in_blocks(times):
            self._record_each(times)

    def _record_in_blocks(self, times: Sequence[float]) -> bool:
        """Try it with most of them in blocks, each counted at its last moment; return whether that is just as good.

        It is if the bucket is full at one of the last moments even so: from there on, what was before does not matter.
        """
        rate, since, spent = self.rate, self._since, self._spent
        tail = max(len(times) - _BLOCK, 0)
        ends = [*range(_BLOCK - 1, tail, _BLOCK)]
        steps = [(times[end], _BLOCK) for end in ends] + [(times[tail - 1], tail % _BLOCK)] * (tail % _BLOCK > 0)
        full = False
        for now, count in steps + [(now, 1) for now in times[tail:]]:
            tokens = rate * (now - since)
            if tokens > spent * _SURELY_MORE:
                since, spent = now, count
                full = count == 1
            elif tokens < spent * _SURELY_LESS:
                spent += count
            else:
                return False
        if full:
            self._since, self._spent = since, spent
        return full

    def _record_each(self, times: Sequence[float]) -> None:
        rate, since, spent = self.rate, self._since, self._spent
        for now in times:
            tokens = rate * (now - since)
            if tokens < spent * _SURELY_LESS:
                spent += 1
            elif tokens > spent * _SURELY_MORE or gained(rate, since, now) >= spent:
                since, spent = now, 1
            else:
                spent += 1
        self._since, self._spent = since, spent

    def ready(self, now: float, amount: int) -> float:
        """Return when so many tokens will have been there, if whoever comes takes them at once; `now` if they are."""
        missing = self._missing(now)
        if missing + amount <= self.most:
            return now
        since, spent = (self._since, self._spent) if missing else (now, 0)
        return max(now, time_of(self.rate, since, spent + amount - self.most))

    def copy(self) -> Bucket:
        """Return another bucket in the same state."""
        other = Bucket(self.rate, self.most)
        other._since, other._spent = self._since, self._spent
        return other

    def admissions(self, now: float) -> Sequence[tuple[float, int]]:
        """Return what is missing, as the moment since which it is and how much was taken since then."""
        return ((self._since, self._spent),) if self._missing(now) else ()

    def forgive(self, now: float) -> None:
        """Let no more be missing than the bucket holds."""
        excess = self._missing(now) - self.most
        if excess > 0:
            self._spent -= excess

    def adjust(self, rate: float, capacity: int, now: float) -> None:
        """Let tokens come in at another rate from now on; what is missing stays missing, if the bucket can hold it."""
        missing = self._missing(now)
        since = now
        if missing and rate != self.rate:
            # The token that is coming in goes on doing so, from where it is.
            share = self.rate * (now - self._since) * _SURELY_LESS - (self._spent - missing)
            if 0 < share < 1:
                since = min(now, later(now - share / rate))
        if not missing or rate != self.rate:
            self._since, self._spent = since, missing
        self.rate, self.most = rate, capacity
        self.forgive(now)


class Past:
    """What a bucket let pass lately, in at most 16 pairs of a moment and an amount.

    It is asked only if the limit is changed to a window: a bucket knows what is missing, and a window wants to know
    since when. Of what is longer ago, less is known, and in doubt it counts as later than it was.
    """

    __slots__ = ("admissions",)

    def __init__(self) -> None:
        self.admissions: list[tuple[float, int]] = []

    def note(self, at: float, amount: int) -> None:
        """Let so many have passed at that moment."""
        kept = self.admissions
        kept += ((at, amount),)
        if len(kept) > _KEPT:
            older = kept[:_OLDER]
            kept[:_OLDER] = [
                (after[0], before[1] + after[1]) for before, after in zip(older[::2], older[1::2], strict=True)
            ]

    def record(self, times: Sequence[float]) -> None:
        """Let one have passed at each of these moments."""
        count = len(times)
        step = -(-count // _OF_MANY)
        for first in range(0, count, step):
            end = min(first + step, count)
            self.note(times[end - 1], end - first)
