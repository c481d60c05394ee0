"""What may pass, and what of it is paid for already: by tokens laid out, and by promises to those who were called up.

* What is going to pass is paid for before: tokens in `free`, for guards on their quiet path, and what `held` says, for
  those who were called up and have not come yet. All of that counts as used, so nothing can be given away twice.
* A guard takes a token by `del free[-1]`, reads the clock, and notes the time in `log`. The time is read after the
  token was taken, so it is never earlier than the moment for which the token was paid. Each of these steps is atomic
  under the GIL, and what comes between them is no harm: a token that was taken and not yet noted counts as used.
* `settle` counts what is in the log, at the times that are noted there. `minted` tokens less `folded` times are paid
  for and not counted yet.

All of this is done under the line's lock. An interrupt may come in wherever a function is called, so the states of a
place and the sums that go with them are changed without calling any.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .places import GONE, GRANTED, HELD, Booked

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final
    from weakref import ref

    from .allowance import Allowance
    from .places import Standing, WaitingTask, WaitingThread

TOKEN: Final = (None,)
MINTED_AT_ONCE: Final = 512


class Till:
    """How much may pass, and what is paid for."""

    __slots__ = (
        "abandoned",
        "admitted",
        "allowance",
        "booked",
        "folded",
        "free",
        "granted",
        "held",
        "log",
        "minted",
        "promised",
        "read",
        "rejected",
        "timed_out",
    )

    def __init__(self, allowance: Allowance, read: Callable[[], float]) -> None:
        self.allowance = allowance
        self.read = read
        self.free: list[None] = []
        self.log: list[float] = []
        self.minted = self.folded = 0
        self.granted = self.held = 0  # how many were called up, and what they cost together
        self.promised: dict[ref[WaitingThread | WaitingTask], None] = {}  # those of them who are to come
        self.booked: list[Booked] = []  # those of them who are counted at their moment
        self.admitted = self.rejected = self.timed_out = self.abandoned = 0

    def settle(self, now: float) -> None:
        """Count what has passed by itself since the last time."""
        log = self.log
        count = len(log)
        if count:
            self.allowance.record(log[:count])
            del log[:count]
            self.folded += count
        if self.booked:
            self.count_booked(now)

    def count_booked(self, now: float) -> None:
        """Count the reservations that were called up and whose moment has come."""
        for booked in sorted(self.booked, key=_moment):
            if booked.alarm > now:
                break
            if booked.state == GRANTED:
                self.come(booked, booked.alarm)
        # One that still waits is here because its promise was interrupted.
        self.booked = [booked for booked in self.booked if booked.state == GRANTED]

    def promise(self, place: Standing) -> None:
        """Set its share aside for whoever is called up."""
        if isinstance(place, Booked):
            self.booked += (place,)
        else:
            self.promised[place.me] = None
        self.held += place.cost
        self.granted += 1
        place.state = GRANTED

    def come(self, place: Standing, at: float) -> None:
        """Let `place` have what it was promised."""
        self.allowance.take(at, place.cost)
        self.held -= place.cost
        self.granted -= 1
        self.admitted += 1
        place.state = HELD
        self.promised.pop(place.me, None)

    def withdraw(self, place: Standing) -> None:
        """Take back what `place` was promised."""
        self.held -= place.cost
        self.granted -= 1
        self.abandoned += 1
        place.state = GONE
        self.promised.pop(place.me, None)
        self.booked = [booked for booked in self.booked if booked is not place]

    def take_back(self) -> None:
        """Take back the tokens that no guard has taken, and what was promised to tasks whose loop is closed."""
        free = self.free
        while True:
            try:
                del free[-1]
            except IndexError:
                break
            self.minted -= 1
        for me in list(self.promised):
            place = me()
            if place is None or place.state != GRANTED:
                self.promised.pop(me, None)  # it was interrupted when it came or went
            elif place.is_dead():
                self.withdraw(place)

    def paid(self) -> int:
        """Return how much is paid for and not counted yet."""
        return self.minted - self.folded + self.held

    def fits(self, now: float, cost: int) -> bool:
        """Whether so much may pass now, of what nobody has been promised."""
        room = self.allowance.room(now)
        if room - self.paid() >= cost:
            return True
        if self.free or self.promised:
            self.take_back()
            return room - self.paid() >= cost
        return False

    def mint(self, now: float) -> None:
        """Lay out tokens for the guards, no more than may pass now."""
        more = min(self.allowance.room(now) - self.paid(), MINTED_AT_ONCE - len(self.free))
        if more > 0:
            tokens = TOKEN * more
            self.minted += more
            self.free += tokens


def _moment(booked: Booked) -> float:
    return booked.alarm
