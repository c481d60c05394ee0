"""The roll of all guards of one kind, named or not, and what those that are gone have counted.

Guards count what they do anyway. Whoever wants sums over all of them reads the roll; so a call pays nothing for it, and
a count never goes back, be its guard replaced, evicted or dropped.

A guard is on the roll from when it is made, held weakly. When it goes, it leaves its last counts in `_left`, which is
one atomic step, for that may happen anywhere: in any thread, also in the middle of what is done here. They are added up
by whoever looks next. Each guard is counted once: what `_left` says of one that was just counted is read the next time.
"""

from __future__ import annotations

import threading
from collections import deque
from weakref import ref

from .typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias

    class Listed(Protocol):
        """What may be on a roll."""

        name: str

    Counts: TypeAlias = tuple[int, ...]

G = TypeVar("G")

OTHER = "other"
"""What all go by that came when there were enough names."""

NAMES_KEPT = 2000
_LEFT_KEPT = 256


class Entry:
    """One guard's line in the roll; the guard holds it, to strike it out in the end."""

    __slots__ = ("_roll", "counts", "guard", "name")

    def __init__(self, roll: Roll[Any], guard: Listed) -> None:
        self._roll = roll
        self.name = guard.name
        self.guard = ref(guard)
        self.counts: Counts = ()  # when they were read last

    def strike_out(self, counts: Counts) -> None:
        """The guard goes; these are its last counts."""
        self._roll.left(self, counts)


class Roll(Generic[G]):
    """All guards of one kind; `read(guard)` returns the counts of one, always as many and in the same order."""

    def __init__(self, read: Callable[[G], Counts]) -> None:
        self._read = read
        self._entries: dict[int, Entry] = {}
        self._left: deque[tuple[Entry, Counts]] = deque()
        self._gone: dict[str, Counts] = {}
        self._names: set[str] = set()
        self._striking = False
        self._lock = threading.RLock()  # re-entrant: a signal handler may read the roll

    def enter(self, guard: Listed) -> Entry:
        """Put a new guard on the roll."""
        entry = Entry(self, guard)
        self._entries[id(entry)] = entry
        return entry

    def left(self, entry: Entry, counts: Counts) -> None:
        """The guard of an entry has gone; these are its last counts."""
        self._left.append((entry, counts))
        # This may be a finaliser that runs in a thread that has the lock, so there is no waiting for it.
        if len(self._left) > _LEFT_KEPT and self._lock.acquire(blocking=False):
            try:
                self._strike_out()
            finally:
                self._lock.release()

    def alive(self) -> list[G]:
        """Return the guards that there are."""
        guards: list[G] = []
        for entry in list(self._entries.values()):
            guard: G | None = entry.guard()  # type: ignore[assignment]
            if guard is not None:
                guards.append(guard)
        return guards

    def totals(self) -> dict[str, Counts]:
        """Return the sums by name, of all guards that there ever were; they never go back.

        Beyond `NAMES_KEPT` names, all others go by `OTHER`.
        """
        guards: list[G] = []  # held until all are read
        with self._lock:
            self._strike_out()
            totals = dict(self._gone)
            for entry in list(self._entries.values()):
                guard: G | None = entry.guard()  # type: ignore[assignment]
                if guard is not None:
                    guards.append(guard)
                    entry.counts = self._read(guard)
                # Else it is about to leave its counts; until then, those count that were read last.
                if entry.counts:
                    _add(totals, self._label(entry.name), entry.counts)
        return totals

    def _strike_out(self) -> None:
        """Under the lock: add up what was left."""
        if self._striking:
            return  # it is this very thread that does so, further down
        self._striking = True
        try:
            while self._left:
                entry, counts = self._left.popleft()
                del self._entries[id(entry)]
                if any(counts):
                    _add(self._gone, self._label(entry.name), counts)
        finally:
            self._striking = False

    def _label(self, name: str) -> str:
        """Return what a guard of that name goes by, now and for ever."""
        if name not in self._names:
            if len(self._names) >= NAMES_KEPT:
                return OTHER
            self._names.add(name)
        return name


def _add(totals: dict[str, Counts], name: str, counts: Counts) -> None:
    before = totals.get(name)
    totals[name] = counts if before is None else tuple(map(sum, zip(before, counts, strict=True)))
