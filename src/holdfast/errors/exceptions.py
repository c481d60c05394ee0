"""Every error that holdfast itself raises.

    HoldfastError
    ├── RejectedError               the call was refused before it began
    │   ├── CircuitBreakerError
    │   │   └── CircuitOpenError
    │   ├── BulkheadError
    │   │   ├── BulkheadFullError
    │   │   └── BulkheadTimeoutError
    │   ├── RateLimitExceededError
    │   └── WorkerLimitError
    ├── OperationTimeoutError       also the builtin TimeoutError
    │   └── DeadlineExceededError
    ├── RetryExhaustedError
    └── ConfigurationError          also ValueError
        └── UnknownPolicyError      also LookupError

Each has a stable `code` for logs and metrics. All of them survive `pickle` and `copy`, so they can cross processes.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .taxonomy import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal


def _rebuild(kind: type[HoldfastError], args: tuple[Any, ...], state: dict[str, Any]) -> HoldfastError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class HoldfastError(Exception):
    """Base of every error that holdfast raises; `except HoldfastError` catches them all and nothing else."""

    code: str = ErrorCode.INTERNAL_ERROR
    """A stable, machine-readable name of what happened."""

    def __reduce__(self) -> tuple[Callable[..., HoldfastError], tuple[Any, ...]]:
        return _rebuild, (
            type(self),
            self.args,
            {name: value for name, value in self.__dict__.items() if name != "hit"},
        )


class RejectedError(HoldfastError):
    """A guard refused the call before it began: the guarded function was not run.

    `name` is the guard's name; `retry_after` is how many seconds to wait before asking again, or None if unknown.
    """

    code = ErrorCode.REJECTED

    def __init__(self, message: str, *, name: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.retry_after = retry_after


class CircuitBreakerError(RejectedError):
    """A circuit breaker refused the call; `circuit_name` says which, `state` in what state it was.

    `last_failure` is the last failure of the dependency, as text, or None. Where no message is given, the text is made
    of all this when it is asked for.
    """

    code = ErrorCode.CIRCUIT_OPEN

    def __init__(
        self,
        message: str | None = None,
        *,
        name: str = "",
        state: Any = None,
        retry_after: float | None = None,
        last_failure: str | None = None,
    ) -> None:
        # Refusing has to be quick, so the constructors above are not asked.
        if message is not None:
            self.args = (message,)
        self.name = name
        self.state = state
        self.retry_after = retry_after
        self.last_failure = last_failure

    @property
    def circuit_name(self) -> str:
        """The breaker's name."""
        return self.name

    def __str__(self) -> str:
        if self.args:
            return super().__str__()
        last = f"; last failure: {self.last_failure}" if self.last_failure else ""
        if self.state is None:
            return f"circuit {self.name!r} refused the call{last}"
        if self.retry_after is not None:
            digits = ",.0f" if self.retry_after >= 100 else ".3g"
            when = f"a call may be tried in {self.retry_after:{digits}} s"
        else:
            when = "its probes are under way" if self.state == "HALF_OPEN" else "it is held open"
        return f"circuit {self.name!r} is {self.state}; {when}{last}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class CircuitOpenError(CircuitBreakerError):
    """The circuit is open, or half-open with every probe taken."""


class BulkheadError(RejectedError):
    """A bulkhead refused the call; `bulkhead_name` says which, `reason` is "full" or "timeout"."""

    code = ErrorCode.BULKHEAD_QUEUE_FULL
    reason: Literal["full", "timeout"] = "full"

    @property
    def bulkhead_name(self) -> str:
        """The bulkhead's name."""
        return self.name


class BulkheadFullError(BulkheadError):
    """All permits are taken and the queue has no place left."""


class BulkheadTimeoutError(BulkheadError):
    """The call waited in the queue for as long as it may and got no permit."""

    code = ErrorCode.BULKHEAD_QUEUE_TIMEOUT
    reason = "timeout"


class RateLimitExceededError(RejectedError):
    """Our own rate limiter refused the call; `retry_after` is when there will be room."""

    code = ErrorCode.RATE_LIMIT_EXCEEDED


class WorkerLimitError(RejectedError):
    """Too many worker threads are still busy with calls that timed out, so no further one is started."""

    code = ErrorCode.WORKER_LIMIT_REACHED


class OperationTimeoutError(HoldfastError, TimeoutError):
    """holdfast ended an operation because its time was up; `duration` is the limit in seconds.

    `name` is the operation's, `limit` says whose limit it was, as "the timeout of fetch". It is a builtin
    `TimeoutError` too. A `TimeoutError` that the operation raised itself is never turned into this one.
    """

    code = ErrorCode.TIMEOUT

    def __init__(self, message: str, *, duration: float | None = None, name: str = "", limit: str = "") -> None:
        super().__init__(message)
        self.duration = duration
        self.name = name
        self.limit = limit


class DeadlineExceededError(OperationTimeoutError):
    """The time for the whole call, all attempts included, is over; asking again under the same deadline is no use.

    `began` is False if the operation was not begun at all, because its time was over before.
    """

    code = ErrorCode.DEADLINE_EXCEEDED
    began: bool = True
    hit: object = None
    """By which the owner of the limit knows that it was hit; it means nothing in another process."""


class RetryExhaustedError(HoldfastError):
    """Every attempt gave a result that `retry_on_result` calls bad.

    `last_result` is the result of the last attempt, `attempts` how many there were. A failure by exception never comes
    out as this error: the exception itself does.
    """

    code = ErrorCode.RETRY_EXHAUSTED

    def __init__(self, message: str, *, last_result: Any = None, attempts: int = 0) -> None:
        super().__init__(message)
        self.last_result = last_result
        self.attempts = attempts


class ConfigurationError(HoldfastError, ValueError):
    """A setting is wrong: the message names it, its value, what is allowed, and the likely fix."""

    code = ErrorCode.INVALID_CONFIGURATION


class UnknownPolicyError(ConfigurationError, LookupError):
    """No policy of that name is registered; the message names the nearest one."""

    code = ErrorCode.UNKNOWN_POLICY
