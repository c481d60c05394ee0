"""What a call with retries went through, as told to its caller."""

from __future__ import annotations

from ..records import Record
from ..typed import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")


class RetryContext(Record):
    """What happened during one call; times are for people, durations are seconds.

    * `attempt`: number of the last attempt made, from 1 (0: none was begun).
    * `total_attempts`: how many the policy allows.
    * `start_time`: when the call began, as an aware UTC datetime.
    * `last_error`: the last error seen, also when a later attempt succeeded; None if there was none.
    * `delays`: the waits between the attempts, in order, in seconds; `total_delay` is their sum.
    """

    attempt: int
    total_attempts: int
    start_time: datetime
    last_error: Exception | None
    delays: tuple[float, ...]
    total_delay: float


class RetryResult(Record, Generic[T]):
    """The end of a call with retries: `value` if `success`, else `error`; `context` tells what happened on the way."""

    success: bool
    value: T | None
    error: Exception | None
    context: RetryContext
