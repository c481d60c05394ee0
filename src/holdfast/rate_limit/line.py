"""What may pass, and the one line for it, in which threads and tasks of any event loop stand together.

The rules, which everything here keeps:

* What is going to pass is paid for before: tokens in `free`, for guards on their quiet path, and what `held` says, for
  those who were called up and have not come yet. All of that counts as used, so nothing can be given away twice.
* A guard takes a token by `del free[-1]`, reads the clock, and notes the time in `log`. The time is read after the
  token was taken, so it is never earlier than the moment for which the token was paid. Each of these steps is atomic
  under the GIL, and what comes between them is no harm: a token that was taken and not yet noted counts as used.
* `settle` counts what is in the log, at the times that are noted there. `minted` tokens less `folded` times are paid
  for and not counted yet.
* Whoever waits is let pass in turn, whatever it costs. `busy` is true as long as there is somebody, and keeps guards
  from passing them by.
* Each one who waits has an alarm of its own, set for the moment at which its turn is going to be. Nobody polls, and
  no thread or task is there only to watch. Whoever comes by, by alarm or otherwise, calls up all whose turn it is, and
  wakes the first one of the others if that one's alarm is too late, which is so when somebody before it went away.
* The state of a place only moves on, under the lock: WAITING → GRANTED → HELD, or to GONE.

The lock is re-entrant, since a finaliser or a signal handler may use the limiter while this thread has it. Such a one
finds `inside` true, and then nothing passes; if it gives up a place, it only says so, and the place is cleared later.
No user code runs under the lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import takewhile

from .._runtime.system import LOCK_FREE
from ..typed import TYPE_CHECKING
from .exact import later
from .places import GONE, GRANTED, HELD, NEVER, WAITING, Booked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from .allowance import Allowance
    from .places import Standing

TOKEN: Final = (None,)
MINTED_AT_ONCE: Final = 512


class Line:
    """How much may pass, and who waits for it."""

    __slots__ = (
        "abandoned",
        "admitted",
        "allowance",
        "booked",
        "busy",
        "folded",
        "free",
        "granted",
        "held",
        "inside",
        "lock",
        "log",
        "loud",
        "minted",
        "places",
        "queued",
        "read",
        "rejected",
        "timed_out",
        "waiters",
    )

    def __init__(self, allowance: Allowance, places: int, read: Callable[[], float]) -> None:
        self.allowance = allowance
        self.places = places
        self.read = read
        self.free: list[None] = []
        self.log: list[float] = []
        self.minted = self.folded = 0
        self.granted = self.held = 0  # how many were called up, and what they cost together
        self.queued = 0  # what those who wait cost together
        self.waiters: OrderedDict[Standing, None] = OrderedDict()
        self.booked: list[Booked] = []  # called up, and to be counted at their moment
        self.loud = False  # if somebody listens
        self.admitted = self.rejected = self.timed_out = self.abandoned = 0
        self.inside = False
        self.lock = threading.RLock()
        self.busy = not LOCK_FREE

    # Under the lock.

    def mark(self, now: float) -> None:
        """Let the guards know whether a call must not take the quiet path."""
        self.busy = bool(self.waiters) or self.loud or not LOCK_FREE or self.allowance.paused(now)

    def settle(self, now: float) -> None:
        """Count what has passed by itself since the last time."""
        log = self.log
        count = len(log)
        if count:
            self.allowance.record(log[:count])
            del log[:count]
            self.folded += count
        while self.booked and self.booked[0].alarm <= now:
            booked = self.booked[0]
            self.allowance.take(booked.alarm, booked.cost)
            del self.booked[0]
            self.held -= booked.cost
            self.granted -= 1
            booked.state = HELD
            self.admitted += 1

    def recall(self) -> None:
        """Take back the tokens that no guard has taken."""
        free = self.free
        while True:
            try:
                del free[-1]
            except IndexError:
                return
            self.minted -= 1

    def paid(self) -> int:
        """Return how much is paid for and not counted yet."""
        return self.minted - self.folded + self.held

    def fits(self, now: float, cost: int) -> bool:
        """Whether so much may pass now, of what nobody has been promised."""
        room = self.allowance.room(now)
        if room - self.paid() >= cost:
            return True
        if self.free:
            self.recall()
            return room - self.paid() >= cost
        return False

    def due(self, now: float, cost: int, ahead: int, before: Standing | None = None) -> float:
        """Return when so much may pass, after what is paid for, and after those who wait, up to one of them."""

        def waiting() -> Iterator[int]:
            if self.paid():
                yield self.paid()
            yield from (each.cost for each in takewhile(lambda each: each is not before, self.waiters))

        return self.allowance.ready(now, self.paid() + ahead, cost, waiting)

    def ahead(self, place: Standing) -> int:
        """Return what those cost who wait before `place`."""
        return sum(each.cost for each in takewhile(lambda each: each is not place, self.waiters))

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
                    self.mark(now)
                if mint and not self.busy:
                    self._mint(now)
                return True
            finally:
                self.inside = False

    def _mint(self, now: float) -> None:
        more = min(self.allowance.room(now) - self.paid(), MINTED_AT_ONCE - len(self.free))
        if more > 0:
            tokens = TOKEN * more
            self.minted += more
            self.free += tokens

    def refuse(self) -> None:
        """Count a call that may not pass."""
        with self.lock:
            self.rejected += 1

    def wait_of(self, cost: int) -> float:
        """Return in how many seconds a call would pass that asked now."""
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

    def _delay(self, now: float, cost: int) -> tuple[float, float]:
        """Return when a call would pass that asked now, and in how many seconds that is."""
        self.recall()
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
            return available, len(self.waiters) + self.granted

    # Waiting.

    def enter(self, place: Standing, patience: float) -> tuple[str, int, float]:
        """Give `place` a place in the line, if its turn comes within `patience` seconds and there is room to wait.

        Returns "" or why it has none ("rate", "full", "busy"), its number from 1, and the seconds until its turn.
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
                why = "" if delay <= patience else "rate"
                position = len(self.waiters) + 1
                if not why and position > self.places and delay > 0:
                    why = "full"
                if why:
                    place.state = GONE
                    self.rejected += 1
                    return why, 0, delay
                place.alarm = at
                place.until = max(now + patience, at)
                self.queued += place.cost
                self.waiters[place] = None
                self.busy = True
            finally:
                self.inside = False
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
                        if first is not None:
                            if self.fits(now, first.cost):
                                again = True
                                self.held += first.cost
                                self.granted += 1
                                first.state = GRANTED
                                self._clear(first)
                                if isinstance(first, Booked):
                                    self._note(first)
                                elif first is not own:
                                    called = first
                            elif (
                                not first.called_up and first is not own and first.alarm > self.due(now, first.cost, 0)
                            ):
                                called = first
                        if called is not None and called.called_up:
                            called = None
                        elif called is not None:
                            called.called_up = True
                        self.mark(now)
                    finally:
                        self.inside = False
            finally:
                alive = called is None or called.wake()
            if not alive and called is not None:
                self._give_up(called)
                again = True

    def _note(self, booked: Booked) -> None:
        booked.called_up = True
        self.booked.append(booked)
        self.booked.sort(key=_moment)

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
                if isinstance(place, Booked) and place.state == GRANTED:
                    place.alarm = min(place.alarm, now)  # it asked, and so is told that it may come at once
                    self.booked.sort(key=_moment)
                    self.settle(now)
                    return False
                if place.state == GRANTED:
                    self.allowance.take(now, place.cost)
                    self.held -= place.cost
                    self.granted -= 1
                    place.state = HELD
                    self.admitted += 1
                    return False
                at = self.due(now, place.cost, self.ahead(place), place)
                if at > place.until:
                    self._expire(place)
                    self.mark(now)
                    return False
                place.alarm = at
                return True
            finally:
                self.inside = False

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
                place.state = GONE
                self.held -= place.cost
                self.granted -= 1
                self.abandoned += 1
                if isinstance(place, Booked):
                    self.booked[:] = [each for each in self.booked if each is not place]
            return before in {WAITING, GRANTED}

    # Changing the rules.

    def change(self, how: Callable[[Allowance, float], None]) -> None:
        """Let `how` change what is allowed; those who cannot be let pass in their time any more are told so now."""
        expired: list[Standing] = []
        try:
            with self.lock:
                if self.inside:
                    raise RuntimeError("a rate limiter cannot be changed from a signal handler that interrupts it")
                self.inside = True
                try:
                    now = self.read()
                    self.settle(now)
                    self.recall()
                    how(self.allowance, now)
                    self._replan(now, expired)
                    self.mark(now)
                finally:
                    self.inside = False
        finally:
            for place in expired:
                place.wake()
        self.dispatch()

    def _replan(self, now: float, expired: list[Standing]) -> None:
        ahead = 0
        for place in list(self.waiters):
            at = NEVER
            if place.cost <= self.allowance.limit.most:
                at = self.due(now, place.cost, ahead, place)
            if at > place.until or at == NEVER:
                self._expire(place)
                if not place.called_up:
                    place.called_up = True
                    expired.append(place)
                continue
            ahead += place.cost
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


def _moment(booked: Booked) -> float:
    return booked.alarm
