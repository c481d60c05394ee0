"""What happens to guards, as entries of structlog, and the correlation id in every entry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import structlog

from holdfast import CircuitState, events, get_correlation_id
from holdfast.circuit_breaker import CircuitStateChanged
from holdfast.events import CallFailed, Event, RetryStopped

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["add_correlation_id", "log_events"]


def add_correlation_id(_logger: Any, _method: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Give an entry the id of the `correlation_id` block around it; a processor for `structlog.configure`.

    An entry that has a `correlation_id` keeps it; where there is no block, it gets none.

    >>> from holdfast import correlation_id
    >>> with correlation_id("order-42"):
    ...     add_correlation_id(None, "info", {"event": "paid"})
    {'event': 'paid', 'correlation_id': 'order-42'}
    """
    current = get_correlation_id()
    if current is not None:
        entry.setdefault("correlation_id", current)
    return entry


def log_events(logger: Any = None, *kinds: type[Event]) -> Callable[[], None]:
    """Log every event of every guard: retries, moves of circuits, refusals, timeouts, fallbacks; return what ends it.

    * `logger`: where; default `structlog.get_logger("holdfast")`.
    * `kinds`: which events; default all but `holdfast.events.CallFailed`, of which there is one for each failure.

    An entry is called as its event is, in words, and has its fields, with `operation` for the name: never an argument,
    a result or the text of an error. A circuit that opens and a call that is given up are warnings, the rest is
    information. It is written in the thread or task in which it happened, with what is bound to the context there.

    >>> from structlog.testing import capture_logs
    >>> from holdfast import create_circuit_breaker
    >>> end = log_events()
    >>> with capture_logs() as entries:
    ...     create_circuit_breaker("kelp-forest").force_open()
    >>> end()
    >>> [(entry["event"], entry["log_level"], entry["operation"], entry["new"]) for entry in entries]
    [('circuit state changed', 'warning', 'kelp-forest', 'OPEN')]

    Raises `holdfast.ConfigurationError` if a kind is no class of events.
    """
    target = structlog.get_logger("holdfast") if logger is None else logger

    def write(event: Event) -> None:
        fields = event.as_dict()
        fields.pop("metrics", None)  # of a circuit: a dozen numbers, which an entry is not the place for
        operation = fields.pop("name")  # a `name` is the logger's own in records of `logging`
        (target.warning if _is_bad(event) else target.info)(_in_words(type(event)), operation=operation, **fields)

    ends = [events.subscribe(write, *kinds)]
    if any(issubclass(CallFailed, kind) for kind in kinds):
        ends.append(events.watch(write))

    def end() -> None:
        for each in ends:
            each()

    return end


def _is_bad(event: Event) -> bool:
    opened = isinstance(event, CircuitStateChanged) and event.old is CircuitState.CLOSED
    return opened or isinstance(event, (RetryStopped, CallFailed))


def _in_words(kind: type[Event]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()
