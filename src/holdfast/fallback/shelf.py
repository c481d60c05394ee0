"""The last good values of one function, by key: bounded, and with one place for whoever makes a value anew.

Storing a value is one store into a dict. Only a key that is new takes the lock, and perhaps the place of another: that
of the key that has been longest in its place and was not renewed since it got there. (This is the "second chance" of
page replacement: as good as least recently renewed in practice, and nothing has to be moved when a value is renewed.)
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakValueDictionary

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any, TypeAlias

    Entry: TypeAlias = tuple[float, Any, bool]
    """When the value came, the value, and whether it had been awaited."""


class Shelf:
    """Values by key. `entries` may be written by anyone, who calls `settle` if there are then more than are `known`."""

    __slots__ = ("_claims", "_lock", "_places", "entries", "known")

    def __init__(self) -> None:
        self.entries: dict[Hashable, Entry] = {}
        self.known = 0
        self._places: OrderedDict[Hashable, float] = OrderedDict()  # when the value came that it was placed with
        self._claims: WeakValueDictionary[Hashable, Claim] = WeakValueDictionary()
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may make a guarded call

    def settle(self, key: Hashable, most: int) -> None:
        """Give a key that is new its place, and take those of others that are too many then."""
        with self._lock:
            places, entries = self._places, self.entries
            newest = None if key in places else entries.get(key)
            if len(entries) > len(places) + (newest is not None):
                # Somebody was interrupted between storing a value and coming here, or is about to come.
                for each, entry in list(entries.items()):
                    if each != key:
                        places.setdefault(each, entry[0])
            chances = len(places)
            while len(places) + (newest is not None) > most:
                oldest, placed = places.popitem(last=False)
                came = entries[oldest][0]
                if came != placed and chances > 0:
                    chances -= 1
                    places[oldest] = came
                else:
                    del entries[oldest]
            if newest is not None:
                places[key] = newest[0]
            self.known = len(places)

    def claim(self, key: Hashable) -> Claim | None:
        """Return the place of the one who makes the value anew, or None if somebody has it."""
        with self._lock:
            claim = self._claims.get(key)
            if claim is not None and claim.is_held:
                return None
            claim = self._claims[key] = Claim()
            return claim


class Claim:
    """The place of the one who makes a value anew. It is free again after `release`, or when nobody has it any more.

    The shelf holds it weakly, so there is no way for it to get lost, be it interrupted or never awaited.
    """

    __slots__ = ("__weakref__", "is_held")

    def __init__(self) -> None:
        self.is_held = True

    def release(self) -> None:
        """Give it up; twice does no harm."""
        self.is_held = False
