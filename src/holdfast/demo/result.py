"""What came of a run: of each of its calls, of the requests that reached the server, and of the guards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from .observed import GuardsReport
    from .plan import Scenario
    from .script import Phase


class Outcome(StrEnum):
    """What can come of a call."""

    PENDING = "pending"
    """Nothing yet."""
    ANSWERED = "answered"
    """The right answer, at the first attempt."""
    RECOVERED = "recovered"
    """The right answer, after at least one failed attempt."""
    REFUSED = "refused"
    """No answer: the circuit was open, at the first attempt or at a later one."""
    LOST = "lost"
    """No right answer, for any other cause."""


class Fate(NamedTuple):
    """What came of one call, after how many attempts and seconds; and what it was lost to, if it was."""

    outcome: Outcome
    attempts: int = 0
    seconds: float = 0.0
    cause: str | None = None


PENDING = Fate(Outcome.PENDING)


@dataclass(frozen=True)
class Result:
    """What came of one run, or what has come of it so far."""

    scenario: Scenario
    fates: tuple[Fate, ...]
    """One for each call, in the order they are sent."""
    requests: Mapping[Phase, int]
    """How many the server got; it counted them."""
    most_at_once: int
    """How many attempts were under way at the same time, at most; the clients counted them."""
    seconds: float
    guards: GuardsReport | None = None
    """What was observed of the guards; None in the runs that have no policy."""
    stalled: frozenset[int] = frozenset()
    """The numbers of the calls at which the server stalled; it noted them."""

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return len(self.fates)

    @property
    def attempts(self) -> int:
        """How many attempts were made at the calls that have come to an end."""
        return sum(fate.attempts for fate in self.fates)

    def count(self, *outcomes: Outcome, among: Container[int] | None = None) -> int:
        """Return how many calls had one of these outcomes; only those whose numbers are `among` these, if given."""
        return sum(1 for fate in self._fates(among) if fate.outcome in outcomes)

    @property
    def done(self) -> int:
        """How many calls have come to an end."""
        return self.calls - self.count(Outcome.PENDING)

    @property
    def lost(self) -> int:
        """How many callers got no right answer; those that were refused are among them."""
        return self.count(Outcome.LOST, Outcome.REFUSED)

    @property
    def lost_to(self) -> Counter[str]:
        """How many calls were lost to what."""
        return Counter(fate.cause for fate in self.fates if fate.cause is not None)

    def waits(self, among: Container[int] | None = None) -> list[float]:
        """Return how many seconds the callers waited for the end of these calls, good or bad."""
        return [fate.seconds for fate in self._fates(among) if fate.outcome is not Outcome.PENDING]

    def _fates(self, among: Container[int] | None) -> Iterable[Fate]:
        return (fate for number, fate in enumerate(self.fates) if among is None or number in among)

    @property
    def refusals(self) -> list[float]:
        """How many seconds each call took that was refused before it was ever sent."""
        return [fate.seconds for fate in self.fates if fate.outcome is Outcome.REFUSED and not fate.attempts]


def middle(seconds: Iterable[float]) -> float | None:
    """Return the median, or None of nothing.

    >>> middle([0.1, 30.0, 0.2]), middle([])
    (0.2, None)
    """
    known = list(seconds)
    return median(known) if known else None
