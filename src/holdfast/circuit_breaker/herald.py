"""Who is told what happens to breakers: the callbacks of their configs, and listeners. Never under a breaker's lock."""

from __future__ import annotations

import os
import threading

from .. import events
from ..contexts import aside
from ..errors import ConfigurationError
from ..journal import logger, report_broken
from ..records import did_you_mean
from ..roll import Roll
from ..settings import optional_callable, shown
from ..typed import TYPE_CHECKING
from .config import CircuitState
from .events import CircuitStateChanged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Literal, Protocol, TypeAlias

    from ..roll import Counts
    from .config import CircuitBreakerConfig, CircuitMetrics

    EventName: TypeAlias = Literal["state_change", "call", "rejected"]
    Step: TypeAlias = tuple[str, CircuitState, CircuitState, int, int, int]
    """Which breaker moved, from where, and to where, after how many failures in a row and in all, of how many calls."""
    Listeners: TypeAlias = Mapping[str, tuple[Callable[[Any], object], ...]]

    class Breaker(Protocol):
        """What a breaker lets others see."""

        name: str
        counts: Counts

        def settle(self) -> None:
            """Look anew at who listens."""
            ...


EVENTS: tuple[EventName, ...] = ("state_change", "call", "rejected")


def _counts(breaker: Breaker) -> Counts:
    return breaker.counts


def _renew(breaker: Any) -> None:
    breaker._lock = breaker._herald.renewed_lock()  # noqa: SLF001  our own


breakers: Roll[Any] = Roll(_counts, _renew)
"""All circuit breakers."""

call_listeners: tuple[Callable[[Any], object], ...] = ()
"""Who is told of each call that has ended, whichever breaker let it in."""

_changing = threading.RLock()  # re-entrant: a finaliser that runs in here may end its listening


def _renew_lock() -> None:
    global _changing  # noqa: PLW0603
    _changing = threading.RLock()  # in a forked child, where whoever holds the old one is not


getattr(os, "register_at_fork", dict)(after_in_child=_renew_lock)  # where there is such a thing as a fork


def hear_calls(listener: Callable[[Any], object]) -> Callable[[], None]:
    """Call `listener` with a `CircuitCallEnded` for each call; return a function that ends it.

    While anybody listens, calls are timed, and no call takes the quiet path. To begin twice is to begin once.
    """
    _hear_calls(listener, listener)
    return lambda: hear_no_calls(listener)


def hear_no_calls(listener: Callable[[Any], object]) -> None:
    """End what `hear_calls` began, if it did."""
    _hear_calls(listener)


def _hear_calls(listener: Callable[[Any], object], *added: Callable[[Any], object]) -> None:
    global call_listeners  # noqa: PLW0603  replaced whole, so that readers need no lock
    with _changing:
        call_listeners = (*without(call_listeners, listener), *added)
    for breaker in breakers.alive():
        breaker.settle()


class Relay:
    """Hands what many breakers tell on to the listeners of their registry, if it has any."""

    __slots__ = ("listeners",)

    def __init__(self) -> None:
        self.listeners: tuple[Callable[[Any], object], ...] = ()

    def __call__(self, event: object) -> None:
        """Hand an event on."""
        for listener in self.listeners:
            tell("listener of 'state_change'", listener, event)


class Herald:
    """Tells of moves in the order in which they were made, one teller at a time; what raises is logged."""

    __slots__ = ("_config", "_delivering", "_has_callbacks", "_listeners", "_lock", "_untold", "hears_rejected")

    def __init__(self, config: CircuitBreakerConfig, lock: threading.RLock, listeners: Listeners) -> None:
        self._config = config
        # Never changed but replaced, so that a thousand breakers of a registry can begin with the same.
        self._listeners = listeners
        self._untold: list[tuple[Step, CircuitStateChanged | None]] | None = None  # most circuits never move
        self._delivering = False
        self._lock = lock
        self._settle()

    def renewed_lock(self) -> threading.RLock:
        """Return the breaker's lock from now on, in a forked child in which nobody holds it, or is telling."""
        self._delivering = False
        self._lock = threading.RLock()
        return self._lock

    def _settle(self) -> None:
        config = self._config
        callbacks = (config.on_state_change, config.on_open, config.on_close)
        self.hears_rejected = "rejected" in self._listeners
        self._has_callbacks = any(each is not None for each in callbacks)

    @property
    def tells_moves(self) -> bool:
        """Whether anybody is to be told of moves by an event."""
        listeners = self._listeners.get("state_change", ())
        return self._has_callbacks or any(not isinstance(each, Relay) or each.listeners for each in listeners)

    def adjust(self, config: CircuitBreakerConfig) -> None:
        """Tell the callbacks of another config from now on; called under the breaker's lock."""
        self._config = config
        self._settle()

    def hears(self, name: str) -> bool:
        """Whether anybody listens to events of that name."""
        return name in self._listeners or (name == "call" and bool(call_listeners))

    def on(self, name: str, listener: Any) -> Callable[[], None]:
        """Add a listener; return a function that takes it away."""
        if name not in EVENTS:
            raise ConfigurationError(f"on: there is no event {shown(name)}; {did_you_mean(name, EVENTS)}")
        optional_callable("on", "listener", () if listener is None else listener, "(event)")

        def unsubscribe() -> None:
            with self._lock:
                left = without(self._listeners.get(name, ()), listener)
                others = {other: each for other, each in self._listeners.items() if other != name}
                self._listeners = {**others, name: left} if left else others
                self._settle()

        with self._lock:
            self._listeners = {**self._listeners, name: (*self._listeners.get(name, ()), listener)}
            self._settle()
        return unsubscribe

    def note(self, step: Step, metrics: CircuitMetrics | None) -> None:
        """Keep a move until `tell_moves`, with the metrics if it is told by an event; called under the lock."""
        name, old, new = step[:3]
        move = None if metrics is None else CircuitStateChanged(name=name, old=old, new=new, metrics=metrics)
        if self._untold is None:
            self._untold = []
        self._untold.append((step, move))

    def tell_moves(self) -> None:
        """Tell of the moves noted; if somebody is at it, be it a caller of this one, they will tell of these too."""
        while self._untold:
            with self._lock:
                if self._delivering:
                    return
                self._delivering = True
            try:
                while self._untold:
                    self._tell(*self._untold.pop(0))
            finally:
                self._delivering = False

    def _tell(self, step: Step, move: CircuitStateChanged | None) -> None:
        log(*step)
        if move is None:
            return
        config = self._config
        if config.on_state_change is not None:
            tell("on_state_change", config.on_state_change, move.old, move.new, move.metrics)
        if config.on_open is not None and move.new is CircuitState.OPEN:
            tell("on_open", config.on_open, move.metrics)
        if config.on_close is not None and move.new is CircuitState.CLOSED:
            tell("on_close", config.on_close, move.metrics)
        self.notify("state_change", move)
        if events.listeners:
            events.emit(move)

    def notify(self, name: str, event: object) -> None:
        """Hand an event to its listeners."""
        for listener in self._listeners.get(name, ()):
            tell(f"listener of {name!r}", listener, event)
        if name == "call":
            for listener in call_listeners:
                tell(f"listener of {name!r}", listener, event)


def without(listeners: tuple[Callable[[Any], object], ...], listener: object) -> tuple[Callable[[Any], object], ...]:
    """Return the listeners but for one; somebody else may have added the same."""
    for place, each in enumerate(listeners):
        if each is listener:
            return (*listeners[:place], *listeners[place + 1 :])
    return listeners


def log(name: str, old: CircuitState, new: CircuitState, *failures: int) -> None:
    """Write down that a circuit has moved; as a warning if it was closed, for its callers are refused from now on."""
    journal = logger("circuit_breaker")
    write = journal.warning if old is CircuitState.CLOSED else journal.info
    write("circuit breaker %r: %s -> %s (failures in a row: %d; in all: %d of %d calls)", name, old, new, *failures)


def tell(what: str, callback: Callable[..., object], *args: object) -> None:
    """Call back; what raises is logged and changes nothing."""
    try:
        aside(callback, *args)
    except Exception:
        report_broken("circuit_breaker", what, callback)
