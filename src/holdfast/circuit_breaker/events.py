"""What listeners of a circuit breaker are told: what kind of thing happened, never arguments, results or texts."""

from __future__ import annotations

from ..events import Event
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from .config import CircuitMetrics, CircuitState


class CircuitStateChanged(Event):
    """A circuit went from one state to another; `metrics` are those right after."""

    old: CircuitState
    new: CircuitState
    metrics: CircuitMetrics


class CircuitCallEnded(Event):
    """A call that was let in has ended; `outcome` is "success", "failure" or "abandoned".

    `late` says that its circuit had moved on meanwhile, so that it moved nothing. `duration` is how long it took, in
    seconds, without waiting in queues of holdfast's; None if it began before anybody listened.
    """

    outcome: str
    error_type: str | None
    late: bool
    duration: float | None = None


class CircuitCallRejected(Event):
    """A call was refused, or, in shadow mode, would have been."""

    state: CircuitState
    retry_after: float | None
    shadow: bool
