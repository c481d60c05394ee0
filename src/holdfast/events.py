"""What happened, as frozen records for whoever listens; none is made while nobody does."""

from __future__ import annotations

import threading

from .errors.exceptions import ConfigurationError
from .journal import report_broken
from .records import Record
from .settings import optional_callable, shown
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


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


listeners: tuple[Callable[[Event], object], ...] = ()
"""Who listens now. Guards look here first and make no event while it is empty."""


watchers: tuple[Callable[[CallFailed], object], ...] = ()
"""Who is told of failures; see `watch`."""

_NOTHING = ()  # in place of None, which a listener must not be
_changing = threading.RLock()  # re-entrant: a finaliser that runs in here may unsubscribe


def subscribe(listener: Callable[[Any], object], *kinds: type[Event]) -> Callable[[], None]:
    """Call `listener` with each event, or with those of the given kinds; return a function that ends it.

    Listeners run in the thread or task in which the event happened, one after the other; one that raises is logged and
    changes nothing.

    >>> seen = []
    >>> unsubscribe = subscribe(seen.append, RetryScheduled)
    >>> emit(RetryBudgetRefused(name="f", policy="default", attempt=1))
    >>> seen
    []
    >>> unsubscribe()

    Raises `ConfigurationError` if `listener` cannot be called, or a kind is no class of events.
    """
    global listeners  # noqa: PLW0603  replaced whole, so that readers need no lock
    heard_by: Any = listener
    asked: tuple[Any, ...] = kinds
    optional_callable("subscribe", "listener", _NOTHING if heard_by is None else heard_by, "(event)")
    for kind in asked:
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            raise ConfigurationError(f"subscribe: kinds must be classes of events, not {shown(kind)}")

    def heard(event: Event) -> None:
        if not kinds or isinstance(event, kinds):
            try:
                listener(event)
            except Exception:
                report_broken("events", "listener", listener)

    def unsubscribe() -> None:
        global listeners  # noqa: PLW0603
        with _changing:
            listeners = tuple(one for one in listeners if one is not heard)

    with _changing:
        listeners = (*listeners, heard)
    return unsubscribe


def emit(event: Event) -> None:
    """Hand `event` to everyone who listens."""
    for listener in listeners:
        listener(event)


def watch(watcher: Callable[[CallFailed], object]) -> Callable[[], None]:
    """Call `watcher` with a `CallFailed` for each failure, where it happens; return a function that ends it.

    Each failure is told once, however many guards it passes; see `failures`. A watcher that raises is logged.
    """
    global watchers  # noqa: PLW0603  replaced whole, so that readers need no lock

    def told(event: CallFailed) -> None:
        try:
            watcher(event)
        except Exception:
            report_broken("events", "watcher", watcher)

    def end() -> None:
        global watchers  # noqa: PLW0603
        with _changing:
            watchers = tuple(one for one in watchers if one is not told)

    with _changing:
        watchers = (*watchers, told)
    return end
