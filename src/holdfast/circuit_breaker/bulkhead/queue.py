"""The permits of a bulkhead and the one queue for them, in which threads and tasks of any event loop stand together.

The rules, which everything here keeps:

* A free permit is a token in `free`; `unminted` ones have never been asked for and get their token when they are.
* A token is taken by `del free[-1]` and put back by `free += TOKEN`. Both are atomic under the GIL, so a guard may do
  them without the lock: it looks at `busy` first, takes a token, and later puts it back, counts with `done`, and if
  somebody is `busy` by then it calls `dispatch`. And neither is a call: CPython looks for signals, collects garbage and
  counts the depth of recursion only at calls, so nothing can come in between a token and who is to have it.
* Whoever waits enters under the lock and dispatches afterwards. So either the one who puts a token back sees the
  waiter, or the waiter sees the token.
* `dispatch` hands tokens to waiters in their order. `busy` is true as long as there is one, and keeps late-comers from
  taking a token past them.
* If there are to be fewer permits than are taken, the rest is a `debt`: tokens that are put back pay it before anybody
  gets one, and `busy` is true until it is paid.
* The state of a place only moves on, under the lock: WAITING → GRANTED → HELD → GONE. Whoever moves it to GONE, and
  nobody else, puts the token back that belonged to it.

The lock is re-entrant, since a finaliser or a signal handler may use the bulkhead while this thread has it, and the
critical sections are written so that what such a one does in between does no harm. No user code runs under the lock.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections import OrderedDict
from weakref import ref

from ..._runtime.system import LOCK_FREE
from ...typed import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from typing import Any, Final

WAITING: Final = 0
GRANTED: Final = 1
HELD: Final = 2
GONE: Final = 3

TOKEN: Final = (None,)
MINTED_AT_ONCE: Final = 64


class Place:
    """What somebody has of the bulkhead: a place in the queue, then a permit, then nothing."""

    __slots__ = ("state",)

    gate: Any = None
    """For a thread, the lock that the grant opens."""

    me: Any = None
    """For a task, a weak reference to its place: a task that is dropped with its loop gives up what it has."""

    def __init__(self, state: int = WAITING) -> None:
        self.state = state

    def wake(self) -> bool:
        """Tell the owner that the permit is there; False if there is nobody left to tell."""
        return True

    def is_dead(self) -> bool:
        """Whether the owner can never come any more, as its event loop is closed."""
        return False


class ThreadPlace(Place):
    """A thread's place."""

    __slots__ = ("gate",)

    gate: threading.Lock

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Lock()
        self.gate.acquire()


class TaskPlace(Place):
    """A task's place; it awaits `called`, a future of its event loop."""

    __slots__ = ("__weakref__", "_loop", "called", "me")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.me = ref(self)
        self.called: asyncio.Future[None] = loop.create_future()

    def wake(self) -> bool:
        """Resolve the future, in its own loop's thread; False if that loop is closed. A second time does no harm."""
        asyncio = sys.modules["asyncio"]  # a task waits, so it is there
        # Outside a task this may be a signal handler, which has to rouse a loop that sleeps.
        if asyncio._get_running_loop() is self._loop and asyncio.current_task() is not None:  # noqa: SLF001
            self.arrive()
            return True
        try:
            self._loop.call_soon_threadsafe(self.arrive)
        except RuntimeError:
            return False
        return True

    def is_dead(self) -> bool:
        """Whether the task can never go on any more."""
        return self._loop.is_closed()

    def arrive(self) -> None:
        """Let the task go on, unless it was cancelled meanwhile: then it passes on itself what it was granted."""
        if not self.called.done():
            self.called.set_result(None)


class Line:
    """The permits, and the queue for them."""

    __slots__ = (
        "abandoned",
        "admitted",
        "busy",
        "called",
        "debt",
        "done",
        "free",
        "lock",
        "loud",
        "permits",
        "places",
        "rejected",
        "timed_out",
        "unminted",
        "waiters",
    )

    def __init__(self, permits: int, places: int) -> None:
        self.permits = permits
        self.places = places
        self.unminted = permits
        self.debt = 0
        self.free: list[None] = []
        self.waiters: OrderedDict[Place, None] = OrderedDict()  # takes out any entry in O(1), and the first one too
        self.called: dict[ref[Place], None] = {}  # tasks to which a permit was granted; some have come already
        self.busy = False
        self.loud = False  # if somebody listens
        self.done = itertools.count()
        self.admitted = self.rejected = self.timed_out = self.abandoned = 0
        self.lock = threading.RLock()
        self._mint()
        self.mark()

    def _mint(self) -> bool:
        """Make some of the tokens that have never been asked for; False if there are none now."""
        minted = self.unminted
        if minted > MINTED_AT_ONCE:  # noqa: PLR1730  `min` is a call, at which others may come in and mint the same
            minted = MINTED_AT_ONCE
        self.unminted -= minted
        self.free += TOKEN * minted
        return bool(self.free)

    def _reclaim(self) -> bool:
        """Under the lock: take permits back from tasks whose event loop was closed before they came; False if none."""
        taken = False
        for me in list(self.called):
            place = me()
            if place is None or place.state != GRANTED:
                self.called.pop(me, None)
            elif place.is_dead():
                self._give_up(place)
                taken = True
        return taken

    def mark(self) -> None:
        """Under the lock: let the guards know whether a call must not take the quiet path."""
        self.busy = bool(self.waiters) or self.loud or self.debt > 0 or not LOCK_FREE

    def resize(self, permits: int, places: int) -> None:
        """Let there be so many permits and places from now on. Nobody loses what they have."""
        with self.lock:
            # All in one step, in which there is no call and so no interrupt.
            unminted, debt = self.unminted - self.debt - self.permits + permits, 0
            if unminted < 0:
                unminted, debt = 0, -unminted
            self.permits = permits
            self.unminted = unminted
            self.debt = debt
            self.places = places
            self.mark()
        self.dispatch()  # also if nobody waits: tokens that were free pay the debt

    def _pay(self) -> bool:
        """Under the lock: pay the debt with tokens that are free; False if some of it is left."""
        while self.debt:
            try:
                del self.free[-1]
            except IndexError:
                if not self._reclaim():
                    return False
                continue
            self.debt -= 1
            self.mark()
        return True

    def take(self, place: Place) -> bool:
        """Let `place` hold a permit if one is free and nobody waits for it."""
        self.dispatch()
        with self.lock:
            while not self.waiters and (not self.debt or self._pay()):
                try:
                    del self.free[-1]
                except IndexError:
                    if not self._mint() and not self._reclaim():
                        break
                else:
                    place.state = HELD
                    return True
            return False

    def enter(self, place: Place) -> int | None:
        """Give `place` a place in the queue and return its number, from 1, or None if the queue is full.

        A permit that came free meanwhile is granted to it at once, unless others were first.
        """
        with self.lock:
            if len(self.waiters) >= self.places:
                self.refuse(place)
                return None
            self.waiters[place] = None
            position = len(self.waiters)
            self.mark()
        self.dispatch()
        return position

    def refuse(self, place: Place) -> None:
        """Count a call that is not let into the queue."""
        with self.lock:
            place.state = GONE
            self.rejected += 1

    def dispatch(self) -> None:
        """Hand free tokens to waiters, first come, first served."""
        while self.waiters or self.debt:
            granted: Place | None = None
            alive = True
            try:
                with self.lock:
                    if self.debt and not self._pay():
                        return
                    for first in self.waiters:
                        if first.state != WAITING:  # its leaving is what was interrupted by this
                            del self.waiters[first]
                            break
                        try:
                            del self.free[-1]
                        except IndexError:
                            if not self._mint() and not self._reclaim():
                                return
                            break
                        del self.waiters[first]
                        if first.me is not None:
                            self.called[first.me] = None
                        first.state = GRANTED
                        granted = first
                        break
                    self.mark()
            finally:
                if granted is not None:
                    if granted.gate is not None:
                        granted.gate.release()  # in one step, which is over when an interrupt comes in
                    else:
                        try:
                            alive = granted.wake()
                        except BaseException:
                            granted.wake()
                            raise
            if not alive and granted is not None:
                self._give_up(granted)

    def _withdraw(self, place: Place) -> int:
        """Move `place` to GONE, put its token back if it has one, and return in which state it was."""
        with self.lock:
            before, place.state = place.state, GONE
            if before == WAITING:
                self.waiters.pop(place, None)
                self.mark()
            elif before != GONE:
                self.free += TOKEN
                self.called.pop(place.me, None)
        return before

    def leave(self, place: Place) -> bool:
        """Give up what `place` has, and return whether that was the permit of a call; once is enough."""
        try:
            return self._give_up(place)
        finally:
            self.dispatch()

    def _give_up(self, place: Place) -> bool:
        with self.lock:
            before = self._withdraw(place)
            if before == HELD:
                next(self.done)
            elif before != GONE:
                self.abandoned += 1
        return before == HELD

    def expire(self, place: Place) -> bool:
        """Take `place` out of the queue because its time is up; False if it is not in there any more."""
        with self.lock:
            if place.state != WAITING:
                return False
            self._withdraw(place)
            self.timed_out += 1
            return True

    @property
    def completed(self) -> int:
        """How many calls have given their permit back. A count shows where it is only by its name."""
        return int(repr(self.done)[len("count(") : -1])

    @property
    def available(self) -> int:
        """How many permits are free."""
        with self.lock:
            return len(self.free) + self.unminted
