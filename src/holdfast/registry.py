"""Names for things that are set in one place and used in another: policies, and guards that are shared by name."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from itertools import islice
from types import MappingProxyType
from weakref import WeakSet

from .errors.exceptions import ConfigurationError
from .records import did_you_mean
from .settings import shown, text
from .switch import all_on, hold
from .typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar, Protocol

    class Follower(Protocol):
        """Something that holds what a name meant when it last looked, and wants to hear when that changes."""

        def name_changed(self) -> None:
            """Forget what the name meant; look it up again before its next use."""
            ...


T = TypeVar("T")
G = TypeVar("G")  # a guard with a `config`; to say so here, as a bound, would take a millisecond of every import

_LOOKED_AT = 64
_IDLE_KEPT = 1000


class Binding(Generic[T]):
    """What one guard holds of something that may change: `now`, or None until it is looked up again by `bind()`.

    `find` returns what is meant at the moment; whoever knows that it means something else from now on calls
    `name_changed()`. While anything is switched off, it holds nothing.
    """

    __slots__ = ("__weakref__", "_changes", "_find", "is_fixed", "now")

    def __init__(self, find: Callable[[], T]) -> None:
        self._find = find
        self._changes = 0
        self.now: T | None = None
        self.is_fixed = False
        hold(self)

    @classmethod
    def to(cls, thing: T) -> Binding[T]:
        """Return a binding to something that does not change."""
        binding = cls(lambda: thing)
        binding.bind()
        binding.is_fixed = True
        return binding

    def bind(self) -> T:
        """Look it up and keep it; what `find` raises comes out, and nothing is kept."""
        changes = self._changes
        found = self._find()
        if all_on():
            self.now = found
            if self._changes != changes or not all_on():
                self.now = None  # it changed meanwhile: look again at the next call
        return found

    def name_changed(self) -> None:
        """Forget what was found."""
        self._changes += 1
        self.now = None


class NamedRegistry(Generic[T]):
    """Things by name: thread-safe, with a live read-only view, telling its followers when a name means something new.

    `make` tells, after an unknown name, how to have one, with `{name}` for the name.

    Followers are held weakly: a decorated function that is dropped drops out of here as well.
    """

    def __init__(self, kind: str, unknown: type[Exception], make: str = "") -> None:
        self._kind = kind
        self._unknown = unknown
        self._make = f"; {make}" if make else ""
        self._things: dict[str, T] = {}
        self._followers: dict[str, WeakSet[Follower]] = {}
        self._looks_at = _IDLE_KEPT  # so many names that are followed: then it is looked who has gone
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may use the registry
        _locked.add(self)
        self.view: Mapping[str, T] = MappingProxyType(self._things)

    def get(self, name: str) -> T:
        """Return what `name` stands for; raise the registry's error, with the nearest name, if that is nothing."""
        try:
            return self._things[name]
        except (KeyError, TypeError):
            known = did_you_mean(name, tuple(self._things)) if self._things else "none is registered yet"
            make = self._make.format(name=shown(name))
            raise self._unknown(f"there is no {self._kind} named {name!r}; {known}{make}") from None

    def put(self, name: str, thing: T) -> None:
        """Let `name` stand for `thing` from now on, also for those who use the name already."""
        with self._lock:
            self._things[name] = thing
            followers = tuple(self._followers.get(name, ()))
        for follower in followers:
            follower.name_changed()

    def drop(self, name: str) -> bool:
        """Let `name` stand for nothing; return whether it stood for something."""
        with self._lock:
            known = self._things.pop(name, None) is not None
            followers = tuple(self._followers.get(name, ()))
        for follower in followers:
            follower.name_changed()
        return known

    def followed(self, name: str) -> bool:
        """Whether anybody follows `name`; forgets those who are gone."""
        with self._lock:
            if self._followers.get(name):
                return True
            self._followers.pop(name, None)
            return False

    def follow(self, name: str, follower: Follower) -> None:
        """Tell `follower` whenever `name` is put again, for as long as somebody else holds it."""
        with self._lock:
            if len(self._followers) > self._looks_at:
                self._followers = {each: followers for each, followers in self._followers.items() if followers}
                self._looks_at = _IDLE_KEPT + 2 * len(self._followers)  # so that all these looks cost little
            self._followers.setdefault(name, WeakSet()).add(follower)


class GuardRegistry(ABC, Generic[G]):
    """Guards of one kind by name, made when they are first asked for; thread-safe. Each kind has a subclass.

    There are never more than `most`, where that can be: beyond it those go that were asked for least recently, but no
    guard that a decorated function is bound to, and none that is needed as it is, as an open circuit is.
    """

    kind: ClassVar[str]
    config_type: ClassVar[Any]

    def __init__(self, most: int) -> None:
        self._most = most
        self._guards: NamedRegistry[G] = NamedRegistry(self.kind, LookupError, "get_or_create({name}, ...) makes one")
        self._asked: OrderedDict[str, None] = OrderedDict()  # least recently first
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may use the registry
        _locked.add(self)

    @abstractmethod
    def _make(self, name: str, config: Any) -> G:
        """Return a new guard of that name; `config` is None for the default."""

    @abstractmethod
    def _may_go(self, guard: G) -> bool:
        """Whether nothing is lost with `guard` but counts."""

    def wanted(self, config: Any, overrides: Mapping[str, Any]) -> Any:
        """Return what was given as one config, or None if nothing was."""
        if config is None:
            return self.config_type(**overrides) if overrides else None
        if not isinstance(config, self.config_type):
            raise ConfigurationError(
                f"a {self.kind}'s config must be a {self.config_type.__name__}, not {shown(config)}"
            )
        return config.replace(**overrides) if overrides else config

    def obtain(
        self,
        name: str,
        config: Any = None,
        *,
        checked: bool = False,
        replace: bool = False,
        advice: str = "leave the config out, or say replace=True",
    ) -> G:
        """Return the guard of that name; if there is none, one made now.

        `checked`: refuse a `config` that is not the one it has; `advice` says what else to do than to give another
        name. `replace`: put a new one in its place.
        """
        name = text(type(self).__name__, "name", name)
        with self._lock:
            guard = self._guards.view.get(name)
            if guard is None or replace:
                return self._add(name, config)
            self._asked.move_to_end(name)
        there: Any = guard
        if checked and config is not None and config != there.config and config.replace(name=name) != there.config:
            raise ConfigurationError(
                f"there is a {self.kind} {name!r} already, with {there.config!r}, not {config!r}; "
                f"give it another name, {advice}"
            )
        return guard

    def _add(self, name: str, config: Any) -> G:
        guard = self._make(name, config)
        self._asked[name] = None
        self._asked.move_to_end(name)
        self._guards.put(name, guard)
        if len(self._asked) > self._most:
            self._make_room(name)
        return guard

    def _make_room(self, newest: str) -> None:
        """Drop the first one that may go; look at a bounded number, and at others the next time."""
        for name in list(islice(self._asked, _LOOKED_AT)):
            if name != newest and not self._guards.followed(name) and self._may_go(self._guards.view[name]):
                self.remove(name)
                return
            self._asked.move_to_end(name)

    def binding(self, name: str, config: Any = None) -> Binding[G]:
        """Return what a decorated function holds of the guard of that name, to be made with `config` if there is none.

        If it is there, it is bound at once, else at the first call; and anew whenever the name means another one.
        """
        binding = Binding(lambda: self.obtain(name, config))
        self._guards.follow(name, binding)
        if name in self._guards.view:
            binding.bind()
        return binding

    def get(self, name: str) -> G:
        """Return the guard of that name; raise `LookupError`, with the nearest name, if there is none."""
        return self._guards.get(name)

    def has(self, name: str) -> bool:
        """Whether there is a guard of that name."""
        asked: object = name
        return isinstance(asked, str) and asked in self._guards.view

    def remove(self, name: str) -> bool:
        """Drop the guard of that name; return whether there was one. Who holds it can go on using it.

        Functions that were decorated with the name get a new one at their next call.
        """
        with self._lock:
            if not self.has(name):
                return False
            self._asked.pop(name, None)
            return self._guards.drop(name)

    def get_all(self) -> dict[str, G]:
        """Return all guards by name."""
        with self._lock:
            return dict(self._guards.view)


_locked: WeakSet[NamedRegistry[Any] | GuardRegistry[Any]] = WeakSet()


def _renew_locks() -> None:
    for registry in _locked:
        registry._lock = threading.RLock()  # noqa: SLF001  in a forked child, where whoever holds the old one is not


getattr(os, "register_at_fork", dict)(after_in_child=_renew_locks)  # where there is such a thing as a fork
