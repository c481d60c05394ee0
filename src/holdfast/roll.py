"""The roll of all guards of one kind, named or not, and what those that are gone have counted.

Guards count what they do anyway. Whoever wants sums over all of them reads the roll; so a call pays nothing for it, and
a count never goes back, be its guard replaced, evicted or dropped.

A guard is on the roll from when it is made, held weakly. When it goes, it leaves its last counts in an inbox, for that
may happen anywhere, also in the middle of what is done here. Each guard is counted once: an entry counts what its guard
says, or said last, until what is in the inbox is worked off, which is done before any guard is asked.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from weakref import WeakSet, ref

from .typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias

    class Listed(Protocol):
        """What may be on a roll."""

        name: str

    Counts: TypeAlias = tuple[int, ...]

G = TypeVar("G")
T = TypeVar("T")

NAMES_KEPT = 2000
"""How many names the roll keeps apart; all others go by "other"."""


OTHER = "other"
"""What all go by that came when there were enough names."""

_FULL = 256
_LONGEST_NAME = 200


def as_label(name: str) -> str:
    """Return a name as a label that any reader of metrics can take: not endless, and without control characters."""
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}…"
    return name if name.isprintable() else repr(name)[1:-1]


class Inbox(Generic[T]):
    """What happens anywhere, put in by one atomic step, and worked off under `lock`, by `work(thing)`, when one looks.

    So a finaliser, a signal handler or a failing call can tell of something while a lock is held further down in its
    own thread, and nothing is lost. Whoever finds the box full works it off as well, unless somebody is at it.
    """

    __slots__ = ("__weakref__", "_at_work", "_things", "_work", "lock")

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._things: deque[T] = deque()
        self.renew_lock()
        _inboxes.add(self)

    def renew_lock(self) -> None:
        """Nobody is at work, nor holds the lock."""
        self._at_work = False
        self.lock = threading.RLock()  # re-entrant: a signal handler may look as well

    def put(self, thing: T, *, full: int = _FULL) -> None:  # a default outlives the module's own names at exit
        """Put something in; whoever finds more than `full` there works them off."""
        self._things.append(thing)
        if len(self._things) > full and self.lock.acquire(blocking=False):
            try:
                self.empty()
            finally:
                self.lock.release()

    def empty(self) -> None:
        """Under the lock: work off all that is there."""
        if self._at_work:
            return  # it is this very thread that does so, further down
        self._at_work = True
        try:
            while self._things:
                self._work(self._things.popleft())
        finally:
            self._at_work = False


class Names:
    """The first `most` names keep theirs, the rest go by `OTHER`; what a name goes by never changes."""

    __slots__ = ("_known", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        """Return what `name` goes by."""
        if name not in self._known:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(name)
        return name


class Entry:
    """One guard's line in the roll; the guard holds it, to strike it out in the end."""

    __slots__ = ("_roll", "counts", "guard", "name")

    def __init__(self, roll: Roll[Any], guard: Listed) -> None:
        self._roll = roll
        self.name = as_label(guard.name)
        self.guard = ref(guard)
        self.counts: Counts = ()  # when they were read last

    def strike_out(self, counts: Counts) -> None:
        """The guard goes; these are its last counts."""
        self._roll.left.put((self, counts))


def _nothing(_guard: object) -> None:
    """Do nothing."""


class Roll(Generic[G]):
    """All guards of one kind.

    `read(guard)` returns the counts of one, always as many and in the same order. `renew(guard)` gives it new locks, in
    a forked child in which nobody is left who held the old ones.
    """

    def __init__(self, read: Callable[[G], Counts], renew: Callable[[G], None] = _nothing) -> None:
        self._read = read
        self.renew = renew
        self._entries: dict[int, Entry] = {}
        self._gone: dict[str, Counts] = {}
        self._names = Names(NAMES_KEPT)
        self.left: Inbox[tuple[Entry, Counts]] = Inbox(self._strike_out)
        _rolls.add(self)

    def enter(self, guard: Listed) -> Entry:
        """Put a new guard on the roll."""
        entry = Entry(self, guard)
        self._entries[id(entry)] = entry
        return entry

    def alive(self) -> list[G]:
        """Return the guards that there are."""
        guards = (entry.guard() for entry in list(self._entries.values()))
        return [guard for guard in guards if guard is not None]  # type: ignore[misc]

    def totals(self) -> dict[str, Counts]:
        """Return the sums by name, of all guards that there ever were; they never go back.

        Beyond `NAMES_KEPT` names, all others go by "other".
        """
        guards: list[Any] = []  # held until all are read
        with self.left.lock:
            self.left.empty()
            totals = dict(self._gone)
            for entry in list(self._entries.values()):
                guard: Any = entry.guard()
                if guard is not None:
                    guards.append(guard)
                    entry.counts = self._counts(guard, entry.counts)
                # Else it is about to leave its counts; until then, those count that were read last.
                if entry.counts:
                    _add(totals, self._names.label(entry.name), entry.counts)
        return totals

    def _counts(self, guard: G, before: Counts) -> Counts:
        try:
            return self._read(guard)
        except Exception:  # a subclass of somebody's; the others are to be read all the same
            return before

    def _strike_out(self, left: tuple[Entry, Counts]) -> None:
        entry, counts = left
        del self._entries[id(entry)]
        if any(counts):
            _add(self._gone, self._names.label(entry.name), counts)


def _add(totals: dict[str, Counts], name: str, counts: Counts) -> None:
    before = totals.get(name)
    totals[name] = counts if before is None else tuple(map(sum, zip(before, counts, strict=True)))


_inboxes: WeakSet[Inbox[Any]] = WeakSet()
_rolls: WeakSet[Roll[Any]] = WeakSet()


def _renew_locks() -> None:
    """In a forked child: of the threads that may hold a lock, or be at work, only this one is there."""
    for inbox in _inboxes:
        inbox.renew_lock()
    for roll in _rolls:
        for guard in roll.alive():
            roll.renew(guard)


getattr(os, "register_at_fork", dict)(after_in_child=_renew_locks)  # where there is such a thing as a fork
