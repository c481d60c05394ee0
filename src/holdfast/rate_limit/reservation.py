"""A promise of a rate limiter: at that moment you may go."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .places import GONE, GRANTED, WAITING

if TYPE_CHECKING:
    from typing import Protocol

    from .line import Line
    from .places import Booked

    class Promiser(Protocol):
        """What a reservation asks of its limiter, which it keeps alive."""

        line: Line
        name: str


class Reservation:
    """The right to make one call from the moment `at` on, for those who do their waiting themselves.

    It is used up at that moment, whether the call is made or not; `cancel()` gives it back before.
    """

    __slots__ = ("_limiter", "_place")

    def __init__(self, limiter: Promiser, place: Booked) -> None:
        self._limiter = limiter
        self._place = place

    @property
    def cost(self) -> int:
        """What the call costs."""
        return self._place.cost

    @property
    def at(self) -> float:
        """The moment from which on the call may be made, in seconds of the limiter's clock (`monotonic`).

        Ask again before you go, as it counts when there is room: it comes nearer if somebody before it goes away, and
        it goes further away if the limit is made stricter, the server asks for a pause, or others came late. Infinite
        if the reservation was cancelled, or is void because it costs more than a limit that was set meanwhile.
        """
        line, place = self._limiter.line, self._place
        if place.state in {WAITING, GRANTED}:
            line.look(place)
        return float("inf") if place.state == GONE else place.alarm

    @property
    def delay(self) -> float:
        """How many seconds are left until then; 0 if it is here."""
        return max(0.0, self.at - self._limiter.line.read())

    def cancel(self) -> bool:
        """Give it back, so that those behind move up. Return False if it is too late for that: its moment is here."""
        line = self._limiter.line
        line.dispatch()
        return line.leave(self._place)

    def __repr__(self) -> str:
        return f"Reservation({self._limiter.name!r}, cost={self.cost}, at={self._place.alarm:.6g})"
