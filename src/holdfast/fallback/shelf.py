"""The last good values of one function, by key: bounded, and with one place for whoever makes a value anew.

Keys are the user's, and may do anything when they are hashed or compared: take long, raise, take a lock, come out
otherwise than before. So nothing here holds a lock while that happens, and nothing but the dict goes by it. Which entry
has to go is told by a queue of the entries themselves. At its head stands the one that has been longest in its place;
if it was renewed since it got there, it goes to the end instead. (This is the "second chance" of page replacement: as
good as least recently renewed in practice, and nothing has to be moved when a value is renewed.)

An entry joins the queue before it joins the dict, and leaves it after, so whoever is interrupted loses none.
"""

from __future__ import annotations

import threading
from collections import deque

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from types import CoroutineType
    from typing import Any, TypeAlias
    from weakref import ref

    Good: TypeAlias = tuple[float, Any, bool]
    """When the value came, the value, and whether it had been awaited."""

_CHANCES = 32
"""How many entries are passed over for one that has to go, at most."""


class Shelf:
    """Entries by key. Whoever finds one may renew it by storing another `good`."""

    __slots__ = ("_lost", "_queue", "entries")

    def __init__(self) -> None:
        self.entries: dict[Hashable, Entry] = {}
        self._queue: deque[Entry] = deque()
        self._lost = 0

    def find(self, key: Hashable) -> Entry | None:
        """Return the entry of a key, if there is one and the key can be looked for."""
        try:
            return self.entries.get(key)
        except Exception:  # what cannot be hashed or compared is nobody's fault
            return None

    def keep(self, key: Hashable, good: Good, most: int) -> None:
        """Remember a value in place of the former one, or of another one if there are `most` of them already."""
        try:
            entry = self.entries.get(key)
            if entry is not None:
                entry.good = good
                return
            self._make_room(most)
            new = Entry(key, good)
            self._queue.append(new)
            there = self.entries.setdefault(key, new)
            if there is not new:  # another thread was faster
                there.good = good
                self._queue.remove(new)
            elif new.is_out:  # its turn to go came before it was there
                self._remove(new)
        except Exception:  # noqa: S110  as in `find`
            pass

    def _make_room(self, most: int) -> None:
        queue = self._queue
        chances = _CHANCES
        while len(queue) >= most:
            try:
                oldest = queue[0]
                good = oldest.good
                if good is not None and good[0] != oldest.placed and chances:
                    chances -= 1
                    oldest.placed = good[0]
                    queue.rotate(-1)
                else:
                    self._take_out(oldest, most)
                    queue.remove(oldest)
            except (IndexError, ValueError):  # another thread did it
                continue

    def _take_out(self, entry: Entry, most: int) -> None:
        entry.is_out = True
        if self._remove(entry):
            return
        # Its key is another than it was, so it stays where nobody can find it. That must not become too many.
        entry.good = None
        self._lost += 1
        if self._lost >= most:
            self._lost = 0
            self._queue.clear()
            self.entries.clear()

    def _remove(self, entry: Entry) -> bool:
        """Remove it from the dict; return whether it is gone, be it by another thread."""
        try:
            if self.entries.get(entry.key) is entry:
                entry.is_gone = True
                self.entries.pop(entry.key, None)
        except Exception:  # as in `find`
            entry.is_gone = False
        return entry.is_gone


class Entry:
    """What is kept under one key: a `good` value, or None if it was to be taken out and could not be found."""

    __slots__ = ("_claim", "good", "is_gone", "is_out", "key", "placed")

    def __init__(self, key: Hashable, good: Good) -> None:
        self.key = key
        self.good: Good | None = good
        self.placed = good[0]  # when the value came that it got its place in the queue with
        self.is_out = False  # its turn to go has come
        self.is_gone = False
        self._claim: Claim | None = None

    def give(self, claim: Claim, now: float) -> bool:
        """Give the place of the one who makes the value anew to `claim`; False if another one has it."""
        there = self._claim
        if there is not None and there.is_held(now):
            return False
        with _exchanging:
            if self._claim is not there:
                return False
            self._claim = claim
        return True


_exchanging = threading.RLock()  # re-entrant: a signal handler that runs in there may make a guarded call
"""Held for comparing and replacing a claim, and nothing else."""


class Claim:
    """What the one who makes a value anew holds, once an entry was asked to give it the place.

    The place is free again when the claim is released; when its `holder`, a coroutine, is over or gone, as one that
    never began cannot release anything; and when it is `until`, so that whoever hangs does not hold it for ever.
    """

    until: float = 0.0
    is_released: bool = False
    holder: ref[CoroutineType[Any, Any, Any]] | None = None

    def is_held(self, now: float) -> bool:
        """Whether somebody has it."""
        if self.is_released or now >= self.until:
            return False
        if self.holder is None:
            return True
        coroutine = self.holder()
        return coroutine is not None and coroutine.cr_frame is not None
