"""Virtual time for threads: it moves on when all of them sleep, to the moment at which the first one wakes up."""

from __future__ import annotations

import heapq
import itertools
import threading
from random import Random


class SharedTime:
    """A `holdfast.Clock` for so many threads, each of which has to `leave()` in the end.

    Those that wake up at the same moment run at the same time, so that they race one another as threads do.
    """

    def __init__(self, threads: int, chance: Random) -> None:
        self._awake = threads
        self._chance = chance
        self._now = 0.0
        self._numbers = itertools.count()
        self._asleep: list[tuple[float, int, threading.Lock]] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return 946_684_800.0 + self._now

    def random(self) -> float:
        return self._chance.random()

    def sleep(self, duration: float) -> None:
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            # To the millisecond, so that many wake up together.
            wakes = -(-(self._now + duration) * 1000 // 1) / 1000
            heapq.heappush(self._asleep, (max(wakes, self._now + duration), next(self._numbers), gate))
            self._rest()
        gate.acquire()

    async def sleep_async(self, duration: float) -> None:
        raise AssertionError("these are threads")

    def leave(self) -> None:
        """One thread less to wait for."""
        with self._lock:
            self._rest()

    def _rest(self) -> None:
        self._awake -= 1
        if self._awake or not self._asleep:
            return
        self._now = max(self._now, self._asleep[0][0])
        while self._asleep and self._asleep[0][0] <= self._now:
            self._awake += 1
            heapq.heappop(self._asleep)[2].release()
