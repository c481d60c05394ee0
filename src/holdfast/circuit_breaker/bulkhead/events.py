"""What listeners of a bulkhead are told: what kind of thing happened, never arguments, results or texts."""

from __future__ import annotations

from ...events import Event


class BulkheadEvent(Event):
    """Base of the events of bulkheads."""


class BulkheadExecutionStarted(BulkheadEvent):
    """A call has its permit and begins, after `waited` seconds in the queue."""

    waited: float


class BulkheadExecutionCompleted(BulkheadEvent):
    """A call has given its permit back, `duration` seconds after it began."""

    duration: float


class BulkheadQueued(BulkheadEvent):
    """A call waits; `position` is its place in the queue, from 1."""

    position: int


class BulkheadRejected(BulkheadEvent):
    """A call got no permit; `reason` is "full" or "timeout", `waited` the seconds it was in the queue."""

    reason: str
    waited: float
