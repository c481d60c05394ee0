"""Attributes for traces: a hook is called with them when something fails, to put them on the current span."""

from __future__ import annotations

from .. import events
from ..circuit_breaker.bulkhead.events import BulkheadQueued
from ..circuit_breaker.events import CircuitCallRejected, CircuitStateChanged
from ..functions import refuse_awaitable
from ..journal import report_broken
from ..settings import optional_callable
from ..timeout.events import TimeoutExceeded
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar, TypeAlias

    Attributes: TypeAlias = Mapping[str, str | int | bool]
    TraceHook: TypeAlias = Callable[[Attributes], object]

_KINDS = (
    events.RetryScheduled,
    events.RetryStopped,
    CircuitStateChanged,
    CircuitCallRejected,
    TimeoutExceeded,
    BulkheadQueued,
    events.CallFailed,
)


def set_hook(hook: TraceHook | None) -> None:
    """Let `hook` take the place of the one that there is; see `set_trace_hook`."""
    optional_callable("set_trace_hook", "hook", hook, "(attributes)")
    if hook is None:
        _ear.end()
        _Teller.now = None
    else:
        _Teller.now = _Teller(hook).tell
        _ear.begin(watches=True)


class _Teller:
    """Tells one hook, and logs once that it raises."""

    now: ClassVar[Callable[[Any], None] | None] = None
    """How to tell the hook that there is."""

    def __init__(self, hook: TraceHook) -> None:
        self._hook = hook
        self._complained = False

    def tell(self, event: events.Event) -> None:
        """Tell the hook of an event."""
        try:
            refuse_awaitable(self._hook(attributes_of(event)))
        except Exception:
            if not self._complained:
                self._complained = True
                report_broken("observability", "trace hook", self._hook)


# One for all hooks: whatever is interrupted, the next one takes its place.
_ear = events.Ear("trace hook", lambda: _Teller.now, _KINDS)


def attributes_of(event: Any) -> dict[str, str | int | bool]:
    """Return what an event tells, as attributes of a span."""
    told: dict[str, str | int | bool] = {"resilience.operation": event.name}
    if isinstance(event, events.RetryScheduled):
        told["retry.attempt"] = event.attempt
    elif isinstance(event, events.RetryStopped):
        told["retry.attempt"] = event.attempts
    elif isinstance(event, CircuitStateChanged):
        told["circuit.state"] = event.new.value.lower()
    elif isinstance(event, CircuitCallRejected):
        told["circuit.state"] = event.state.value.lower()
    elif isinstance(event, TimeoutExceeded):
        told["timeout.exceeded"] = True
    elif isinstance(event, BulkheadQueued):
        told["bulkhead.queue_position"] = event.position
    else:
        told["error.type"] = event.error_type
    return told
