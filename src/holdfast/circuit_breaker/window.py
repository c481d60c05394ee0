"""The outcomes that count now: those of the last seconds, or the last so many.

Both windows cost O(1) per outcome and keep no record of single calls over time: the time window has ten buckets, so an
outcome leaves it when it is between nine and ten tenths of the window old, never later; the count window is a ring.
"""

from __future__ import annotations

from ..typed import Protocol

BUCKETS = 10
_FOREVER = float("inf")


class Window(Protocol):
    """What a closed circuit asks of its window. Times are seconds of a monotonic clock."""

    successes: int
    failures: int
    slow: int
    turns: float
    """From this moment on the window has to be told the time before anything may be added."""

    def turn(self, now: float) -> None:
        """Let go of what is too old at `now`."""
        ...

    def add(self, successes: int, failures: int, slow: int) -> None:
        """Count outcomes as of the moment last told."""
        ...


class TimeWindow:
    """The outcomes of the last `seconds`, in ten buckets.

    >>> window = TimeWindow(60.0, now=0.0)
    >>> window.add(successes=1, failures=2, slow=0)
    >>> window.turn(59.0)
    >>> window.failures
    2
    >>> window.turn(60.0)
    >>> window.failures
    0
    """

    __slots__ = ("_buckets", "_index", "_width", "failures", "slow", "successes", "turns")

    def __init__(self, seconds: float, now: float) -> None:
        self._width = seconds / BUCKETS
        self._index = int(now // self._width)
        self._buckets: list[tuple[int, int, int] | None] = [None] * BUCKETS
        self.successes = self.failures = self.slow = 0
        self.turns = (self._index + 1) * self._width

    def turn(self, now: float) -> None:
        """Let go of the buckets that are too old at `now`; a clock that stands still or goes back changes nothing."""
        index = int(now // self._width)
        gone = min(index - self._index, BUCKETS)
        if gone <= 0:
            return
        for step in range(1, gone + 1):
            place = (self._index + step) % BUCKETS
            old = self._buckets[place]
            if old is not None:
                self.successes -= old[0]
                self.failures -= old[1]
                self.slow -= old[2]
                self._buckets[place] = None
        self._index = index
        self.turns = (index + 1) * self._width

    def add(self, successes: int, failures: int, slow: int) -> None:
        """Count outcomes in the bucket of the moment last told."""
        place = self._index % BUCKETS
        old = self._buckets[place] or (0, 0, 0)
        self._buckets[place] = (old[0] + successes, old[1] + failures, old[2] + slow)
        self.successes += successes
        self.failures += failures
        self.slow += slow


class CountWindow:
    """The last `size` outcomes, whenever they were.

    >>> window = CountWindow(3)
    >>> window.add(successes=0, failures=1, slow=0)
    >>> window.add(successes=3, failures=0, slow=0)
    >>> window.failures, window.successes
    (0, 3)
    """

    __slots__ = ("_next", "_ring", "_size", "failures", "slow", "successes", "turns")

    def __init__(self, size: int) -> None:
        self._size = size
        self._ring = bytearray()
        self._next = 0
        self.successes = self.failures = self.slow = 0
        self.turns = _FOREVER

    def turn(self, now: float) -> None:
        """Nothing: only newer outcomes make older ones leave."""

    def add(self, successes: int, failures: int, slow: int) -> None:
        """Count outcomes, successes first; slow ones are among the successes, or the failure if there is none."""
        if successes:
            fast = successes - (slow if not failures else 0)
            for _ in range(min(fast, self._size)):
                self._push(0)
            for _ in range(min(successes - fast, self._size)):
                self._push(2)
        for _ in range(min(failures, self._size)):
            self._push(3 if slow and not successes else 1)

    def _push(self, outcome: int) -> None:
        """Put one outcome in: bit 0 says failure, bit 1 says slow."""
        if len(self._ring) < self._size:
            self._ring.append(outcome)
        else:
            self._count(self._ring[self._next], -1)
            self._ring[self._next] = outcome
            self._next = (self._next + 1) % self._size
        self._count(outcome, 1)

    def _count(self, outcome: int, by: int) -> None:
        if outcome & 1:
            self.failures += by
        else:
            self.successes += by
        if outcome & 2:
            self.slow += by
