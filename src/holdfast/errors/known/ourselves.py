"""Cancellations, and what holdfast itself raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..recognition import Answer, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")

CANCELLATIONS: Table = table(
    {
        # asyncio's is no `Exception`, that of concurrent.futures is one.
        "asyncio:CancelledError concurrent:CancelledError trio:Cancelled": _CANCELLED,
        "builtins.KeyboardInterrupt builtins.SystemExit builtins.GeneratorExit": _CANCELLED,
        "builtins.PythonFinalizationError": _CANCELLED,
    }
)
"""What is a cancellation by its own type, as any other `BaseException` is that is no `Exception`."""


def _refused(category: Category, code: Code) -> Classification:
    """A refusal by one of our guards: the call was not made, so nothing is known of the dependency."""
    return verdict(category, code, "never", "ignore")


_CUT_SHORT = verdict(Category.TRANSIENT, Code.DEADLINE_EXCEEDED)
_NOT_BEGUN = _refused(Category.TRANSIENT, Code.DEADLINE_EXCEEDED)


def _by_beginning(error: Any) -> Answer:
    """Judge a deadline that was over: before the call began, that says nothing of the dependency."""
    return _NOT_BEGUN if read(error, "began") is False else _CUT_SHORT


HOLDFAST: Table = table(
    {
        "holdfast:CircuitBreakerError": _refused(Category.TRANSIENT, Code.CIRCUIT_OPEN),
        "holdfast:BulkheadError": _refused(Category.RESOURCE, Code.BULKHEAD_QUEUE_FULL),
        "holdfast:BulkheadTimeoutError": _refused(Category.RESOURCE, Code.BULKHEAD_QUEUE_TIMEOUT),
        "holdfast:RateLimitExceededError": _refused(Category.RESOURCE, Code.RATE_LIMIT_EXCEEDED),
        "holdfast:WorkerLimitError": _refused(Category.RESOURCE, Code.WORKER_LIMIT_REACHED),
        "holdfast:RejectedError": _refused(Category.RESOURCE, Code.REJECTED),
        "holdfast:OperationTimeoutError": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
        "holdfast:DeadlineExceededError": _by_beginning,
        "holdfast:RetryExhaustedError": verdict(Category.EXTERNAL, Code.RETRY_EXHAUSTED),
        "holdfast:UnknownPolicyError": verdict(Category.CONFIGURATION, Code.UNKNOWN_POLICY, "never", "ignore"),
        "holdfast:ConfigurationError": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"),
    }
)
