"""A budget for retries, shared by all who call the same dependency.

When a dependency is down, every caller retries, and the load on it grows just when it can bear least. A budget lets
retries be no more than a share of the calls made. The idea and the numbers are those of Finagle's RetryBudget: 20 % of
the calls of the last 10 seconds, and 10 retries a second besides, so that callers with little traffic can retry at all.
"""

from __future__ import annotations

from collections import deque

from ..settings import fraction, number

_WINDOW = 10


class RetryBudget:
    """How many retries all its users together may make.

    `ratio` is the share of the calls of the last 10 seconds that may be retried; `min_per_second` is how many retries
    a second are allowed whatever the traffic. Give the same budget to every policy that calls the same dependency.

    >>> budget = RetryBudget(ratio=0.2, min_per_second=0)
    >>> for _ in range(10):
    ...     budget.record_call(now=100.0)
    >>> [budget.try_spend(now=100.5) for _ in range(3)]
    [True, True, False]

    Raises `ConfigurationError` if `ratio` is no number from 0 to 1, or `min_per_second` is negative, infinite or no
    number. It is told the time and does not lock; the retry manager does both.
    """

    __slots__ = ("_calls", "_retries", "_seconds", "min_per_second", "ratio")

    def __init__(self, ratio: float = 0.2, min_per_second: float = 10) -> None:
        self.ratio = fraction("RetryBudget", "ratio", ratio, hint="a share of the calls: 0.2 allows one retry for five")
        self.min_per_second = number("RetryBudget", "min_per_second", min_per_second)
        # [whole second, calls in it, retries in it], oldest first, and the sums of all of them.
        self._seconds: deque[list[int]] = deque()
        self._calls = 0
        self._retries = 0

    def record_call(self, now: float) -> None:
        """A call (not a retry) begins at `now`, in seconds of a monotonic clock."""
        self._at(now)[1] += 1
        self._calls += 1

    def available(self, now: float) -> float:
        """Return how many retries could be spent at `now`; below 1 means none."""
        self._at(now)
        return self.ratio * self._calls + self.min_per_second * _WINDOW - self._retries

    def try_spend(self, now: float) -> bool:
        """Take one retry out of the budget at `now`; False if there is none left."""
        # A tenth of 30 calls must be 3 retries, though 0.1 * 30 is a hair less than 3 in some sums of floats.
        if self.available(now) < 1 - 1e-9:
            return False
        self._at(now)[2] += 1
        self._retries += 1
        return True

    def _at(self, now: float) -> list[int]:
        """Return the bucket of `now`, after those that have left the window are dropped."""
        second = int(now)
        buckets = self._seconds
        while buckets and buckets[0][0] <= second - _WINDOW:
            _, calls, retries = buckets.popleft()
            self._calls -= calls
            self._retries -= retries
        if not buckets or buckets[-1][0] < second:
            buckets.append([second, 0, 0])
        return buckets[-1]

    def __repr__(self) -> str:
        return f"RetryBudget(ratio={self.ratio:g}, min_per_second={self.min_per_second:g})"
