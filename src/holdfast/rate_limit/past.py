"""What a token bucket let pass lately, roughly: a bucket knows what is missing, and a window wants to know since when.

It is asked only if the limit is changed from the one kind to the other. Of what is longer ago, less is known, and in
doubt it counts as later than it was.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT = 16
_OLDER = 8
_OF_MANY = 4


class Past:
    """What passed when, in at most 16 pairs of a moment and an amount."""

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
