"""One configuration is put to use at a time, and nobody waits: who comes meanwhile leaves theirs to whoever is at it.

So no lock is held while that is done, which may call listeners; and a signal handler, or one of those listeners, that
comes with a configuration of its own can go on.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from ..resilience.manager import ResilienceManager

    Wanted: TypeAlias = Mapping[tuple[str, str], Any]


class Configured:
    """What a manager of policies was told last: what it is to have, by section and name, and where that was found."""

    __slots__ = ("__weakref__", "found", "is_switched", "wanted")

    def __init__(self) -> None:
        self.wanted: Wanted = {}
        self.found = ""  # the place, if it was looked for
        self.is_switched = False


class Turns:
    """Whose turn it is, and the latest that each of the others has come with."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # re-entrant: a signal handler may come while it is held
        self._turn: object = None
        self._left: dict[Configured, Callable[[], object]] = {}

    @property
    def is_free(self) -> bool:
        """Whether nobody is at work."""
        return self._turn is None

    def take(self, whose: Configured, wanted: Wanted, found: str, work: Callable[[], object]) -> Wanted:
        """Do the work, now or as soon as whoever is at work gets to it; return what was wanted before.

        Of what the same has left to others, only the latest is done.
        """
        mine = object()
        try:
            with self._lock:
                self._left.pop(whose, None)
                # From here on no call that ends in ours, so nobody comes in between.
                before, whose.wanted, whose.found = whose.wanted, wanted, found
                if self._turn is not None:
                    self._left[whose] = work
                    return before
                self._turn = mine
            try:
                work()
            finally:
                self._do_what_is_left()
        finally:
            if self._turn is mine:  # it was interrupted
                self._turn = None
        return before

    def _do_what_is_left(self) -> None:
        while True:
            with self._lock:
                if not self._left:
                    self._turn = None
                    return
                whose, work = next(iter(self._left.items()))
            try:
                work()
            except Exception:
                self._drop(whose, work)
                raise
            self._drop(whose, work)  # now, as what is interrupted is to be done again

    def _drop(self, whose: Configured, work: Callable[[], object]) -> None:
        with self._lock:
            if self._left.get(whose) is work:  # else there is something newer already
                del self._left[whose]


turns = Turns()
_configured: WeakKeyDictionary[ResilienceManager, Configured] = WeakKeyDictionary()


def configured(manager: ResilienceManager) -> Configured:
    """Return what a manager was told last."""
    there = _configured.get(manager)
    if there is None:
        there = _configured.setdefault(manager, Configured())
    return there
