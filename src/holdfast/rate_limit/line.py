"""The one line for what may pass, in which threads and tasks of any event loop stand together.

The rules, which everything here keeps:

* Whoever waits is let pass in turn, whatever it costs. `busy` is true as long as there is somebody, and keeps guards
  from passing them by.
* Each one who waits has an alarm of its own, set for the moment at which its turn is going to be. Nobody polls, and
  no thread or task is there only to watch. Whoever comes by, by alarm or otherwise, calls up all whose turn it is, and
  wakes the first one of the others if that one's alarm is too late, which is so when somebody before it went away.
* Who has a place is let pass, be it a little later than was foreseen. Only if the limit becomes stricter, those are
  told to go whose turn slips beyond the time that they have; and those who have a deadline, when it would be missed.
* The state of a place only moves on, under the lock: WAITING → GRANTED → HELD, or to GONE.

The lock is re-entrant, since a finaliser or a signal handler may use the limiter while this thread has it. Such a one
finds `inside` true, and then nothing passes; if it gives up a place, it only says so, and the place is cleared later;
if it changes the limit, that is done when what it interrupted is over. No user code runs under the lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from itertools import takewhile

from .._runtime.system import LOCK_FREE
from ..typed import TYPE_CHECKING
from .exact import later
from .places import GONE, GRANTED, HELD, NEVER, WAITING, Booked, rouse
from .till import Till

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from .allowance import Allowance
    from .measures import Trial
    from .places import Standing

    Change: TypeAlias = Callable[[Allowance, float], bool]
    """Changes what is allowed; returns whether it made a difference. May be done again if it was interrupted."""


class Line(Till):
    """How much may pass, and who waits for it."""

    __slots__ = ("busy", "changes", "inside", "lock", "loud", "places", "queued", "seen", "waiters")

    def __init__(self, allowance: Allowance, places: int, read: Callable[[], float]) -> None:
        super().__init__(allowance, read)
        self.places = places
        self.queued = 0  # what those who wait cost together
        self.waiters: OrderedDict[Standing, None] = OrderedDict()
        self.loud = False  # if somebody listens
        self.inside = False
        self.seen = -NEVER  # when it was last looked what has passed
        self.changes: deque[Change] = deque()  # that are to be done
        self.lock = threading.RLock()
        self.busy = not LOCK_FREE

    # Under the lock.

    def settle(self, now: float) -> None:
        """Count what has passed by itself since the last time, reservations whose moment has come too."""
        super().settle(now)
        moment, self.seen = self.seen, now
        first = self.head()
        while isinstance(first, Booked) and first.alarm <= now:
            paid = self.paid()
            # What is paid for and not counted yet passes now at the earliest, however long ago it was called up.
            since = now if paid else max(first.alarm, moment)
            moment = self.allowance.ready(since, paid, first.cost, (paid,).__iter__)
            if moment > now:
                return
            first.alarm = moment
            self.promise(first)
            self._clear(first)
            self.count_booked(now)
            first = self.head()

    def mark(self) -> None:
        """Let the guards know whether a call must not take the quiet path."""
        self.busy = bool(self.waiters) or self.loud or not LOCK_FREE

    def due(self, now: float, cost: int, ahead: int, before: Standing | None = None) -> float:
        """Return when so much may pass, after what is paid for, and after those who wait, up to one of them."""

        def waiting() -> Iterator[int]:
            if self.paid():
                yield self.paid()
            yield from (each.cost for each in takewhile(lambda each: each is not before, self.waiters))

        return self.allowance.ready(now, self.paid() + ahead, cost, waiting)

    def ahead(self, place: Standing) -> int:
        """Return what those cost who wait before `place`."""
        return sum([each.cost for each in takewhile(lambda each: each is not place, self.waiters)])

    def head(self) -> Standing | None:
        """Return the first one who waits; clears the places of those who have said that they go."""
        while self.waiters:
            first = next(iter(self.waiters))
            if first.state == WAITING:
                return first
            self._clear(first)
        return None

    def _clear(self, place: Standing) -> None:
        if place in self.waiters:
            del self.waiters[place]
            self.queued -= place.cost

    # Asking, without waiting.

    def admit(self, cost: int, *, mint: bool = False) -> bool:
        """Let a call pass now, if it may and nobody waits; `mint` tokens for those that follow."""
        if self.waiters:
            self.dispatch()
        with self.lock:
            if self.inside:
                return False
            self.inside = True
            try:
                now = self.read()
                self.settle(now)
                if self.waiters or not self.fits(now, cost):
                    return False
                self.allowance.take(now, cost)
                self.admitted += 1
                if self.busy:
                    self.mark()
                if mint and not self.busy:
                    self.mint(now)
                return True
            finally:
                self.inside = False
                if self.changes:
                    self._catch_up()

    def refuse(self) -> None:
        """Count a call that may not pass."""
        with self.lock:
            self.rejected += 1

    def wait_of(self, cost: int) -> float:
        """Return in how many seconds a call would pass that asked now; infinite if it never would."""
        with self.lock:
            if self.inside:
                return 0.0
            self.inside = True
            try:
                now = self.read()
                self.settle(now)
                return self._delay(now, cost)[1]
            finally:
                self.inside = False
                if self.changes:
                    self._catch_up()

    def _delay(self, now: float, cost: int) -> tuple[float, float]:
        """Return when a call would pass that asked now, and in how many seconds that is."""
        if cost > self.allowance.limit.most:
            return NEVER, NEVER
        self.take_back()
        at = self.due(now, cost, self.queued)
        delay = at - now
        if now + delay < at:
            delay = later(delay)  # who waits so long is not to come too early by a rounding
        return at, delay

    def standing(self) -> tuple[int, int]:
        """Return how much may pass now, and how many wait, or were called up and have not come yet."""
        if self.waiters:
            self.dispatch()
        with self.lock:
            available = 0
            if not self.inside:
                self.inside = True
                try:
                    now = self.read()
                    self.settle(now)
                    if not self.waiters:
                        available = max(0, self.allowance.room(now) - self.paid() + len(self.free))
                finally:
                    self.inside = False
                    if self.changes:
                        self._catch_up()
            return available, len(self.waiters) + self.granted

    # Waiting.

    def enter(self, place: Standing, patience: float) -> tuple[str, int, float]:
        """Give `place` a place in the line, if its turn comes within `patience` seconds and there is room to wait.

        Returns "" or why it has none ("rate", "full", "busy", or "never" as it costs too much), its number from 1, and
        the seconds until its turn.
        """
        with self.lock:
            if self.inside:
                place.state = GONE
                self.rejected += 1
                return "busy", 0, 0.0
            self.inside = True
            try:
                now = self.read()
                self.settle(now)
                at, delay = self._delay(now, place.cost)
                position = len(self.waiters) + 1
                why = ""
                if delay == NEVER:
                    why = "never"
                elif delay > patience:
                    why = "rate"
                elif position > self.places and delay > 0:
                    why = "full"
                if why:
                    place.state = GONE
                    self.rejected += why != "never"
                    return why, 0, delay
                place.alarm = at
                place.until = max(now + patience, at)
                self.queued += place.cost
                self.waiters[place] = None
                self.busy = True
            finally:
                self.inside = False
                if self.changes:
                    self._catch_up()
        return "", position, delay

    def dispatch(self, own: Standing | None = None) -> None:
        """Call up those whose turn it is, in their order; `own` is who asks, and need not be woken."""
        again = True
        while again:
            called: Standing | None = None
            again = False
            try:
                with self.lock:
                    if self.inside:
                        return
                    self.inside = True
                    try:
                        now = self.read()
                        self.settle(now)
                        first = self.head()
                        if first is not None and self.fits(now, first.cost):
                            again = True
                            if isinstance(first, Booked):
                                first.alarm = max(first.alarm, now)
                            elif first is not own:
                                called = first
                            self.promise(first)
                            self._clear(first)
                        elif first is not None:
                            called = self._too_late(now, own)
                        self.mark()
                    finally:
                        self.inside = False
                        if self.changes:
                            self._catch_up()
            finally:
                alive = called is None or rouse(called)
            if not alive and called is not None:
                self._give_up(called)
                again = True

    def _too_late(self, now: float, own: Standing | None) -> Standing | None:
        """Return the first one who is to be woken, if its alarm is for later than its turn is now."""
        ahead = 0
        for place in self.waiters:
            if place.state == WAITING and not isinstance(place, Booked):
                sleeps = place is not own and not place.called_up
                return place if sleeps and place.alarm > self.due(now, place.cost, ahead, place) else None
            ahead += place.cost
        return None

    def look(self, place: Standing) -> bool:
        """Let `place` pass if its turn has come. Return whether it is to look again, at the moment of its alarm.

        If not, its state says why: HELD, or GONE if its time is up.
        """
        self.dispatch(place)
        with self.lock:
            place.hush()
            if self.inside or place.state in {HELD, GONE}:
                return place.state == WAITING
            self.inside = True
            try:
                now = self.read()
                if place.state == GRANTED and isinstance(place, Booked):
                    place.alarm = min(place.alarm, now)  # it asked, and so is told that it may come at once
                self.settle(now)
                if place.state == GRANTED:
                    self.come(place, now)
                if place.state == HELD:
                    return False
                at = self.due(now, place.cost, self.ahead(place), place)
                if place.whose and at > place.until:
                    self._expire(place)
                    self.mark()
                    return False
                place.alarm = at
                return True
            finally:
                self.inside = False
                if self.changes:
                    self._catch_up()

    def _expire(self, place: Standing) -> None:
        place.state = GONE
        self.timed_out += 1
        self._clear(place)

    def leave(self, place: Standing) -> bool:
        """Give up a place, or what it was promised; the next ones move up. False if there was nothing to give up."""
        if place.state in {HELD, GONE}:
            return False
        try:
            return self._give_up(place)
        finally:
            self.dispatch()

    def _give_up(self, place: Standing) -> bool:
        with self.lock:
            before = place.state
            if before == WAITING:
                place.state = GONE
                self.abandoned += 1
                if not self.inside:
                    self._clear(place)
            elif before == GRANTED:
                self.withdraw(place)
            return before in {WAITING, GRANTED}

    # Changing the rules.

    def change(self, how: Change) -> None:
        """Let `how` change what is allowed; those who cannot be let pass in their time any more are told so now.

        If it is interrupted, or comes from what interrupts this line's own work, it is done by who comes next.
        """
        self.changes.append(how)
        self.busy = True
        with self.lock:
            if not self.inside:
                self._catch_up()

    def _catch_up(self) -> None:
        """Under the lock: do the changes that are to be done."""
        expired: list[Standing] = []
        self.inside = True
        try:
            while self.changes:
                self._follow(self.changes[0], expired)
                self.changes.popleft()
            self.mark()
        finally:
            self.inside = False
            for place in expired:
                rouse(place)
        self.dispatch()

    def _follow(self, how: Change, expired: list[Standing]) -> None:
        now = self.read()
        self.settle(now)
        before = self.allowance.trial(now) if self.waiters else None
        if not how(self.allowance, now):
            return
        self.take_back()
        if before is not None:
            self._replan(now, before, expired)

    def _replan(self, now: float, before: Trial, expired: list[Standing]) -> None:
        """Tell those to go whose turn the change has put off beyond their time, all in one go through the line."""
        trial, most = self.allowance.trial(now), self.allowance.limit.most
        paid = self.paid()
        for each in (before, trial):
            if paid:
                each.let(paid, each.turn(paid))
        for place in list(self.waiters):
            if place.state != WAITING:
                continue  # it has said that it goes
            at, was = trial.turn(place.cost), before.turn(place.cost)
            before.let(place.cost, was)
            if place.cost > most or at > max(place.until, was):
                place.whose = ""  # it is not for a deadline that it has to go
                self._expire(place)
                expired.append(place)
                continue
            trial.let(place.cost, at)
            if isinstance(place, Booked):
                place.alarm = max(place.alarm, at)  # its owner may have been told the earlier one already

    def closed(self, now: float) -> Allowance:
        """Return what was counted, for good, as nobody can use this line any more; promises count from now on."""
        self.settle(now)
        for booked in self.booked:
            self.allowance.take(now, booked.cost)
        for place in self.waiters:
            self.allowance.take(now, place.cost)
        return self.allowance

    def renew(self) -> None:
        """In a forked child: of those who wait, and of those who were called up, only reservations are still there."""
        self.lock = threading.RLock()
        self.inside = False
        for place in [*self.waiters, *[me() for me in self.promised]]:
            if place is not None and not isinstance(place, Booked):
                self._give_up(place)
        self.mark()
