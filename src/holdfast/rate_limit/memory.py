"""What names have used up of their limits whose limiters had to make room: each name has what is its own, for a while.

Kept of each is only what still counts, in at most 16 pairs of a moment and an amount; once nothing of it counts any
more it is as good as forgotten. There are never more than `most` names: beyond it those are forgotten that were put
here first.
"""

from __future__ import annotations

from collections import OrderedDict

from ..typed import TYPE_CHECKING
from .allowance import Allowance

if TYPE_CHECKING:
    from typing import TypeAlias

    from .config import SlidingWindow, TokenBucket
    from .measures import Word

    Kept: TypeAlias = tuple[float, TokenBucket | SlidingWindow, tuple[float, ...], tuple[int, ...], tuple[Word, ...]]
    """Until when it counts, the limit, what was admitted when, how much each time, and what the server said."""

_PAIRS = 16


class Memory:
    """What names have used up. All methods are told the time."""

    __slots__ = ("_kept", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, name: str, allowance: Allowance, now: float) -> None:
        """Remember what still counts of what `name` had used up."""
        kept = self._kept
        kept.pop(name, None)
        until = allowance.fresh_at(now)
        if until > now:
            admissions = allowance.measure.admissions(now)
            step = -(-len(admissions) // _PAIRS)
            times, amounts = [], []
            for first in range(0, len(admissions), step or 1):
                several = admissions[first : first + step]
                times.append(several[-1][0])
                amounts.append(sum([amount for _, amount in several]))
            kept[name] = until, allowance.limit, tuple(times), tuple(amounts), allowance.words
        for _ in range(2):  # so that in the long run there are none that need not be
            if kept and (len(kept) > self._most or next(iter(kept.values()))[0] <= now):
                kept.popitem(last=False)

    def recall(self, name: str, limit: TokenBucket | SlidingWindow, now: float) -> Allowance | None:
        """Return what `name` may still use up of `limit`, and forget it; None if it is as good as new."""
        kept = self._kept.pop(name, None)
        if kept is None or kept[0] <= now:
            return None
        _, before, times, amounts, words = kept
        allowance = Allowance(before, words)
        for time, amount in zip(times, amounts, strict=True):
            allowance.measure.take(time, amount)
        if before != limit:
            allowance.adjust(limit, now)
        return allowance

    def forget(self, name: str) -> None:
        """What `name` has used up does not count any more."""
        self._kept.pop(name, None)
