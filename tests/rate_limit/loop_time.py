"""A clock for tests in virtual time."""

from __future__ import annotations

from tests.support import LoopClock


class LoopTime(LoopClock):
    """The loop's time, which stands still when the loop has ended."""

    last = 0.0

    def monotonic(self) -> float:
        try:
            self.last = super().monotonic()
        except RuntimeError:
            pass
        return self.last
