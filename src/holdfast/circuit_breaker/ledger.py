"""What a breaker has seen: totals, rows, the last moments and the last failures as text; pure, it is told the time."""

from __future__ import annotations

from itertools import count

from ..typed import TYPE_CHECKING, overload
from .config import CircuitMetrics
from .state import TRANSITIONS, Closed

if TYPE_CHECKING:
    from datetime import datetime

    from .config import CircuitState
    from .state import Phase

_LONGEST_TEXT = 200


UNMOVED = (0,) * len(TRANSITIONS)
"""How often a circuit has made each move that there is: never."""


def with_one_more(moves: tuple[int, ...], old: CircuitState, new: CircuitState) -> tuple[int, ...]:
    """Return the numbers of moves with one more from `old` to `new`."""
    return tuple(
        number + (before is old and after is new)
        for number, (before, after, _when) in zip(moves, TRANSITIONS, strict=True)
    )


class Ledger:
    """The totals of one breaker. Changed under its lock, but for `rejected`, from which anyone may draw."""

    __slots__ = (
        "_earlier",
        "_history_size",
        "_rejections_looks",
        "abandoned",
        "failed",
        "failures_in_row",
        "history",
        "last_failure",
        "last_success",
        "rejected",
        "streak_began",
        "succeeded",
    )

    def __init__(self, history_size: int) -> None:
        self.succeeded = self.failed = self.abandoned = 0
        self.rejected = count()
        self._rejections_looks = 0
        self._earlier = (0, 0, 0, 0)  # before the last reset
        self.failures_in_row = 0
        self.streak_began = 0
        self.last_failure: float | None = None
        self.last_success: float | None = None
        self.history: tuple[str, ...] = ()
        self._history_size = history_size

    def keep(self, history_size: int) -> None:
        """Keep the text of so many failures from now on."""
        self._history_size = history_size
        self.history = self.history[-history_size:] if history_size else ()

    def absorb(self, phase: Closed, successes: int) -> None:
        """Count successes that were tallied in a closed phase."""
        if successes:
            self.succeeded += successes
            self.failures_in_row = 0
            self.last_success = phase.last_success or self.last_success

    def success(self, now: float, *, counts: bool) -> None:
        """Count a success; one that comes too late to count moves the total only."""
        self.succeeded += 1
        if counts:
            self.failures_in_row = 0
            self.last_success = now
        else:
            self.streak_began += 1

    def failure(self, now: float, told: str, *, counts: bool) -> None:
        """Count a failure likewise, and keep its text."""
        self.failed += 1
        self.history = (*self.history, told)[-self._history_size :] if self._history_size else ()
        if counts:
            self.failures_in_row += 1
            self.streak_began = self.succeeded
            self.last_failure = now

    def rejections(self) -> int:
        """How many calls were refused."""
        rejected = next(self.rejected) - self._rejections_looks
        self._rejections_looks += 1
        return rejected

    def successor(self) -> Ledger:
        """Return the ledger that is used from now on, with nothing in it."""
        new = Ledger(self._history_size)
        rejected = self.rejections()
        new.rejected = self.rejected  # somebody may be about to draw from it
        new._rejections_looks = self._rejections_looks + rejected
        new._earlier = (0, 0, 0, rejected)
        return new

    def inherit(self, before: Ledger) -> None:
        """Add what the ledger before this one has counted, now that it counts no more, to what `lifetime` tells."""
        succeeded, failed, abandoned, rejected = before._earlier
        self._earlier = (
            succeeded + before.succeeded,
            failed + before.failed,
            abandoned + before.abandoned,
            rejected + self._earlier[3],
        )

    def lifetime(self) -> tuple[int, int, int, int]:
        """Return how many calls succeeded, failed, were abandoned, and were refused, since the breaker was made."""
        succeeded, failed, abandoned, rejected = self._earlier
        return (
            succeeded + self.succeeded,
            failed + self.failed,
            abandoned + self.abandoned,
            rejected + self.rejections(),
        )

    def failures(self) -> tuple[int, int, int]:
        """Return how many calls failed in a row, how many in all, and of how many."""
        return self.failures_in_row, self.failed, self.succeeded + self.failed + self.abandoned

    def metrics(self, name: str, phase: Phase, now: float, wall: float) -> CircuitMetrics:
        """Return it all as a record; `wall` is what the wall clock shows now."""
        rate = None
        if isinstance(phase, Closed):
            total = phase.window.failures + phase.window.successes
            rate = phase.window.failures / total if total else None
        return CircuitMetrics(
            name=name,
            state=phase.state,
            total_requests=self.succeeded + self.failed + self.abandoned,
            successful_requests=self.succeeded,
            failed_requests=self.failed,
            abandoned_requests=self.abandoned,
            rejected_requests=self.rejections(),
            consecutive_failures=self.failures_in_row,
            consecutive_successes=self.succeeded - self.streak_began,
            last_failure_time=_moment(self.last_failure, wall - now),
            last_success_time=_moment(self.last_success, wall - now),
            last_state_change=_moment(phase.since, wall - now),
            failure_rate=rate,
        )


def as_text(error: Exception) -> str:
    """Return an error in one line that pins nothing of it."""
    kind = type(error).__qualname__
    try:
        told = str(error)
        text = f"{kind}: {told}" if told else kind
    except Exception:  # a message that cannot be shown
        text = kind
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


@overload
def _moment(monotonic: float, behind: float) -> datetime: ...
@overload
def _moment(monotonic: float | None, behind: float) -> datetime | None: ...
def _moment(monotonic: float | None, behind: float) -> datetime | None:
    """Return a moment of the monotonic clock, which is `behind` the wall clock by so many seconds."""
    from datetime import UTC, datetime

    if monotonic is None:
        return None
    try:
        return datetime.fromtimestamp(monotonic + behind, UTC)
    except (OverflowError, OSError, ValueError):  # a wall clock that shows what no calendar has
        return datetime.fromtimestamp(0, UTC)
