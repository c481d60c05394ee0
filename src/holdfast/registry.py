"""Names for things that are set in one place and used in another."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from weakref import WeakSet

from .records import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


class Follower(Protocol):
    """Something that holds what a name meant when it last looked, and wants to hear when that changes."""

    def name_changed(self) -> None:
        """Forget what the name meant; look it up again before its next use."""
        ...


class NamedRegistry(Generic[T]):
    """Things by name: thread-safe, with a live read-only view, telling its followers when a name means something new.

    Followers are held weakly: a decorated function that is dropped drops out of here as well.
    """

    def __init__(self, kind: str, unknown: type[Exception]) -> None:
        self._kind = kind
        self._unknown = unknown
        self._things: dict[str, T] = {}
        self._followers: dict[str, WeakSet[Follower]] = {}
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may use the registry
        self.view: Mapping[str, T] = MappingProxyType(self._things)

    def get(self, name: str) -> T:
        """Return what `name` stands for; raise the registry's error, with the nearest name, if that is nothing."""
        try:
            return self._things[name]
        except (KeyError, TypeError):
            known = did_you_mean(name, tuple(self._things))
            raise self._unknown(f"there is no {self._kind} named {name!r}; {known}") from None

    def put(self, name: str, thing: T) -> None:
        """Let `name` stand for `thing` from now on, also for those who use the name already."""
        with self._lock:
            self._things[name] = thing
            followers = tuple(self._followers.get(name, ()))
        for follower in followers:
            follower.name_changed()

    def follow(self, name: str, follower: Follower) -> None:
        """Tell `follower` whenever `name` is put again, for as long as somebody else holds it."""
        with self._lock:
            self._followers.setdefault(name, WeakSet()).add(follower)
