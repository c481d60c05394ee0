"""What happened, as frozen records for whoever listens; none is made while nobody does."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar

from .contexts import aside
from .errors.exceptions import ConfigurationError
from .functions import refuse_awaitable
from .journal import report_broken
from .records import Record
from .settings import optional_callable, shown
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["CallFailed", "Event", "RetryBudgetRefused", "RetryScheduled", "RetryStopped", "subscribe"]


class Event(Record):
    """Base of all events. `name` is the guard's or the function's name."""

    name: str


class RetryScheduled(Event):
    """An attempt failed and another will follow in `delay` seconds.

    `attempt` is the number, from 1, of the attempt that failed; `error_type`, `category` and `code` tell the failure.
    """

    policy: str
    attempt: int
    delay: float
    error_type: str
    category: str
    code: str


class RetryStopped(Event):
    """A call failed for good after `attempts` attempts; `reason` says why there is no further one."""

    policy: str
    attempts: int
    reason: str
    error_type: str
    category: str
    code: str


class RetryBudgetRefused(Event):
    """A retry was wanted, but the shared budget had none left; the call fails with its own error."""

    policy: str
    attempt: int


class CallFailed(Event):
    """A guarded call, or an attempt at one, failed. `guard` says which kind of guard saw it first, `name` which one."""

    guard: str
    error_type: str
    category: str
    code: str


listeners: tuple[Ear, ...] = ()
"""Who listens now. Guards look here first and make no event while it is empty."""


watchers: tuple[Ear, ...] = ()
"""Who is told of failures; see `watch`."""

_NOTHING = ()  # in place of None, which a listener must not be
_changing = threading.RLock()  # re-entrant: a finaliser that runs in here may unsubscribe
_telling: ContextVar[tuple[Ear, ...]] = ContextVar("holdfast.telling", default=())


def _renew_lock() -> None:
    global _changing  # noqa: PLW0603
    _changing = threading.RLock()  # in a forked child, where whoever holds the old one is not


getattr(os, "register_at_fork", dict)(after_in_child=_renew_lock)  # where there is such a thing as a fork


class Ear:
    """One who listens, from `begin()` to `end()`. Each may come twice, as after one that was interrupted.

    * `what`: what it is called in logs.
    * `find`: returns the callback, or None if it is gone; then this is over.
    * `kinds`: the events that are wanted; default all.

    What the callback itself makes happen, also in tasks that it starts, is not told to it: if its own calls fail as
    well, there would be no end to it. What it raises is logged and changes nothing.
    """

    __slots__ = ("_find", "_kinds", "_what", "is_open")

    def __init__(
        self, what: str, find: Callable[[], Callable[[Any], object] | None], kinds: tuple[type[Event], ...] = ()
    ) -> None:
        self._what = what
        self._find = find
        self._kinds = kinds
        self.is_open = False

    def begin(self, *, listens: bool = True, watches: bool = False) -> None:
        """Be told of what happens, of failures, or of both."""
        global listeners, watchers  # noqa: PLW0603  replaced whole, so that readers need no lock
        with _changing:
            self.is_open = True
            if listens:
                listeners = (*_others(listeners, self), self)
            if watches:
                watchers = (*_others(watchers, self), self)

    def end(self) -> None:
        """Be told nothing more, not even by those who are just telling all."""
        global listeners, watchers  # noqa: PLW0603
        with _changing:
            self.is_open = False
            listeners = _others(listeners, self)
            watchers = _others(watchers, self)

    def __call__(self, event: Event) -> None:
        """Hand an event to the callback, if it is for it."""
        callback = self._find() if self.is_open else None
        if callback is None:
            self.end()
            return
        telling = _telling.get()
        if not (self in telling or (self._kinds and not isinstance(event, self._kinds))):
            aside(self._tell, telling, callback, event)

    def _tell(self, telling: tuple[Ear, ...], callback: Callable[[Any], object], event: Event) -> None:
        try:
            _telling.set((*telling, self))
            refuse_awaitable(callback(event))
        except Exception:
            report_broken("events", self._what, callback)
        finally:
            _telling.set(telling)


def _others(ears: tuple[Ear, ...], one: Ear) -> tuple[Ear, ...]:
    return tuple(each for each in ears if each is not one)


def subscribe(listener: Callable[[Any], object], *kinds: type[Event]) -> Callable[[], None]:
    """Call `listener` with each event, or with those of the given kinds; return a function that ends it.

    Listeners run in the thread or task in which the event happened, one after the other; one that raises is logged and
    changes nothing. What a listener itself makes happen, also in tasks that it starts, is told to the others only.

    >>> seen = []
    >>> unsubscribe = subscribe(seen.append, RetryScheduled)
    >>> emit(RetryBudgetRefused(name="f", policy="default", attempt=1))
    >>> seen
    []
    >>> unsubscribe()

    Raises `ConfigurationError` if `listener` is no plain function, or a kind is no class of events.
    """
    asked: tuple[Any, ...] = kinds
    for kind in asked:
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise ConfigurationError(f"subscribe: kinds must be classes of events, not {shown(kind)}")
    ear = _ear("subscribe", "listener", listener, kinds)
    ear.begin()
    return ear.end


def emit(event: Event) -> None:
    """Hand `event` to everyone who listens."""
    for listener in listeners:
        listener(event)


def watch(watcher: Callable[[CallFailed], object]) -> Callable[[], None]:
    """Call `watcher` with a `CallFailed` for each failure, where it happens; return a function that ends it.

    Each failure is told once, however many guards it passes; see `failures`. Else it is as with `subscribe`.

    Raises `ConfigurationError` if `watcher` is no plain function.
    """
    ear = _ear("watch", "watcher", watcher)
    ear.begin(listens=False, watches=True)
    return ear.end


def _ear(owner: str, what: str, callback: Any, kinds: tuple[type[Event], ...] = ()) -> Ear:
    optional_callable(owner, what, _NOTHING if callback is None else callback, "(event)")
    return Ear(what, lambda: callback, kinds)
