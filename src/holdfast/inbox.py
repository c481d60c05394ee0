"""What happens anywhere, put in by one atomic step without waiting, and worked off by whoever looks.

So a finaliser, a signal handler or a failing call can tell of something while a lock is held further down in its own
thread, and nothing is lost. Somebody who finds the box full works it off as well, if nobody is at it.
"""

from __future__ import annotations

import threading
from collections import deque

from .typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

OTHER = "other"
"""What all go by that came when there were enough names."""

_FULL = 256


class Inbox(Generic[T]):
    """Things to be worked off, one after the other, by `work(thing)`, under `lock`."""

    __slots__ = ("_at_work", "_things", "_work", "lock")

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._things: deque[T] = deque()
        self._at_work = False
        self.lock = threading.RLock()  # re-entrant: a signal handler may look as well

    def put(self, thing: T) -> None:
        """Put something in."""
        self._things.append(thing)
        if len(self._things) > _FULL and self.lock.acquire(blocking=False):
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
