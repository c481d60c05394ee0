"""Listeners of one guard: who is told of its events, by name, and what becomes of those who raise."""

from __future__ import annotations

from . import events
from .contexts import aside
from .errors.exceptions import ConfigurationError
from .journal import report_broken
from .records import did_you_mean
from .settings import optional_callable, shown
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar

    from .events import Event

    Entry = tuple[str, Callable[[Any], object]]


class Told:
    """A guard with listeners. Each kind of guard says which events there are, and which everybody is told of."""

    __slots__ = ("_listeners",)

    kinds: ClassVar[Mapping[str, type[Event]]]
    told_everywhere: ClassVar[tuple[str, ...]]
    """What those are told too who listen to all guards; the rest would make every call of every guard slow."""
    room: ClassVar[str]

    name: str
    _listeners: tuple[Entry, ...]

    def tell(self, event: str, **fields: Any) -> None:
        """Hand an event, made now, to those who listen to it. Never under the guard's lock."""
        hearers = [listener for name, listener in self._listeners if name == event] if self._listeners else ()
        everywhere = bool(events.listeners) and event in self.told_everywhere
        if hearers or everywhere:
            record = self.kinds[event](name=self.name, **fields)
            for listener in hearers:
                self._call(listener, record)
            if everywhere:
                events.emit(record)

    def _call(self, listener: Callable[[Any], object], event: Event) -> None:
        try:
            aside(listener, event)
        except Exception:
            report_broken(self.room, "listener", listener)

    def _on(self, event: str, listener: Any, lock: threading.RLock) -> Callable[[], None]:
        """Add a listener, and return a function that takes it away; `_hear` is called under the lock each time."""
        asked: object = event
        if not isinstance(asked, str) or asked not in self.kinds:
            raise ConfigurationError(f"on: there is no event {shown(asked)}; {did_you_mean(asked, self.kinds)}")
        optional_callable("on", "listener", () if listener is None else listener, "(event)")
        heard: Any = listener
        entry = (event, heard)

        def unsubscribe() -> None:
            with lock:
                self._hear(tuple(each for each in self._listeners if each is not entry))

        with lock:
            self._hear((*self._listeners, entry))
        return unsubscribe

    def _hear(self, listeners: tuple[Entry, ...]) -> None:
        """These listen from now on."""
        self._listeners = listeners
