"""What a health report holds."""

from __future__ import annotations

from ..records import Record
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal, TypeAlias

    from ..circuit_breaker.registry import CircuitHealth

    Status: TypeAlias = Literal["healthy", "degraded", "unhealthy"]


class BulkheadUse(Record):
    """How full a bulkhead is: calls that run and wait, permits that are free, and how many there may be of each."""

    active: int
    queued: int
    available: int
    max_concurrent: int
    max_queue: int


class TimeoutUse(Record):
    """Calls that timed out and still run in their threads, by function; with `max_left_behind` no more are begun."""

    left_behind: Mapping[str, int]
    max_left_behind: int


class HealthStatus(Record):
    """How the guards of this process are doing; `as_dict()` is ready for JSON.

    `status` is

    * "unhealthy" if so many calls that timed out still run in their threads that no further ones are begun: this
      process has to be replaced;
    * "degraded" if any circuit that refuses calls is open or half-open, any bulkhead is so full that it refuses calls,
      or any call that timed out still runs;
    * "healthy" otherwise.

    So an open circuit degrades the service, however many others there are: only you know which dependency it cannot do
    without. Circuits in the modes "shadow" and "disabled" let calls pass; they are told of, and change nothing.

    `summary` is about the circuit breakers of the process-wide registry. `breakers` gives the names of all circuit
    breakers by state ("closed", "open", "half_open"), also of those that are in no registry. `issues` says in
    sentences what is not as it should be; texts of errors are not among them. `time` is an aware UTC datetime.
    """

    status: Status
    time: datetime
    summary: CircuitHealth
    breakers: Mapping[str, tuple[str, ...]]
    bulkheads: Mapping[str, BulkheadUse]
    timeouts: TimeoutUse
    issues: tuple[str, ...]
