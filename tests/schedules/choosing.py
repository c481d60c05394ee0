"""Who goes on: a random walk, or priorities with a few changes (PCT), each made by a seed and nothing else.

The walk lets anybody go on, now and then. PCT lets the first in rank go on until it has to wait, and puts the one that
runs at the end of the line at a few moments chosen beforehand; so it finds a bug that needs few, but particular,
changes with a probability that does not vanish in long runs (Burckhardt and others, "A Randomized Scheduler with
Probabilistic Guarantees of Finding Bugs", 2010).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Protocol

_RANKS_HOLD = 1000
"""After so many steps the one that runs becomes the last in any case, as it may look again and again for another."""

TIME = -1
"""The number of the one who is not a thread: when it is its turn, time goes on to the next moment."""


class Chooser(Protocol):
    """Decides who goes on, and when to ask again."""

    def gap(self) -> int:
        """After how many steps the one that runs is interrupted next."""
        ...

    def next(self, ready: Sequence[int], running: int | None, *, interrupted: bool) -> int:
        """Who of those who are `ready` goes on; `running` is one of them, or None if it cannot go on."""
        ...


class Walk:
    """Interrupts after a random number of steps, and lets anybody go on."""

    def __init__(self, random: Random, scale: int) -> None:
        self._random = random
        self._mean = scale * random.choice((2, 6, 20, 60, 200))
        self._stays = random.choice((0.0, 0.5, 0.9))

    def gap(self) -> int:
        return 1 + int(-self._mean * math.log(1.0 - self._random.random()))

    def next(self, ready: Sequence[int], running: int | None, *, interrupted: bool) -> int:
        if running is not None and not interrupted and self._random.random() < self._stays:
            return running
        return self._random.choice(ready)


class Ranks:
    """The first in rank goes on; at a few moments the one that runs becomes the last."""

    def __init__(self, random: Random, scale: int) -> None:
        self._random = random
        self._ranks: dict[int, float] = {}
        self._lowest = 0.0
        self._hold = scale * _RANKS_HOLD
        # How long the run will be is not known; so the moments are spread over a length that is drawn as well.
        length = scale * 2 ** random.uniform(4, 11)
        moments = sorted({1 + int(random.random() * length) for _ in range(random.randint(1, 5))})
        self._gaps = [later - earlier for earlier, later in zip([0, *moments], moments, strict=False)]

    def gap(self) -> int:
        return self._gaps.pop(0) if self._gaps else self._hold

    def next(self, ready: Sequence[int], running: int | None, *, interrupted: bool) -> int:
        for number in ready:
            if number not in self._ranks:
                self._ranks[number] = self._random.random()
        if interrupted and running is not None:
            self._lowest -= 1.0
            self._ranks[running] = self._lowest
        first = max(ready, key=self._ranks.__getitem__)
        if first == TIME:
            self._ranks[TIME] = self._random.random()  # or nobody would ever be in time
        return first


def chooser(random: Random, scale: int = 1) -> Chooser:
    """Return one or the other; `scale` is how many steps are as much as one line."""
    return Walk(random, scale) if random.random() < 0.5 else Ranks(random, scale)
