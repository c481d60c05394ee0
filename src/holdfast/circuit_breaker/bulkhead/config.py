"""What a bulkhead is set to, and what it tells of itself."""

from __future__ import annotations

from ...records import Record
from ...settings import Settings, optional_callable, optional_seconds, text, whole_number
from ...typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Any, TypedDict, Unpack

    class NamelessBulkheadFields(TypedDict, total=False):
        """All that may be said of a bulkhead but its name; `BulkheadConfig` tells what each means."""

        max_concurrent: int
        max_queue: int
        queue_timeout: float | timedelta | None
        on_reject: Callable[[Any], object] | None

    class BulkheadFields(NamelessBulkheadFields, total=False):
        """All that may be said of a bulkhead."""

        name: str


class BulkheadConfig(Settings):
    """How many calls run at once, how many may wait, and for how long. Frozen; `replace()` makes a changed copy.

    * `name`: for errors, events and metrics. Default "bulkhead".
    * `max_concurrent`: calls that run at the same time, at least 1. Default 10.
    * `max_queue`: calls that may wait for a permit; 0: none, a full bulkhead refuses at once. Default 50.
    * `queue_timeout`: seconds, or a `timedelta`, that a call may wait. Default 30; None: without end; 0: not at all.
    * `on_reject(event)`: told of each call that got no permit, as a `BulkheadRejected`. One that raises is logged.

    >>> BulkheadConfig(name="search", max_concurrent=4).queue_timeout
    30.0

    Raises `ConfigurationError` for whatever cannot work.
    """

    name: str = "bulkhead"
    max_concurrent: int = 10
    max_queue: int = 50
    queue_timeout: float | None = 30.0
    on_reject: Callable[[Any], object] | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[BulkheadFields]) -> None: ...

        def replace(self, **changes: Unpack[BulkheadFields]) -> BulkheadConfig:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "BulkheadConfig"
        mine["name"] = text(owner, "name", self.name)
        mine["max_concurrent"] = whole_number(
            owner, "max_concurrent", self.max_concurrent, hint="at least one call must be able to run"
        )
        mine["max_queue"] = whole_number(
            owner, "max_queue", self.max_queue, least=0, hint="0 means: refuse at once when all permits are taken"
        )
        mine["queue_timeout"] = optional_seconds(owner, "queue_timeout", self.queue_timeout, zero=True)
        optional_callable(owner, "on_reject", self.on_reject, "(event)")


class BulkheadStats(Record):
    """How things stand now: calls that run, calls that wait, and permits that are free."""

    active: int
    queued: int
    available: int


class BulkheadMetrics(Record):
    """What a bulkhead has seen so far.

    `admitted` calls got a permit and are `active` or `completed`. The others: `rejected` found the bulkhead full,
    `timed_out` waited too long, `abandoned` were cancelled or interrupted while they waited, `queued` still wait.
    """

    name: str
    admitted: int
    completed: int
    rejected: int
    timed_out: int
    abandoned: int
    active: int
    queued: int
    available: int
