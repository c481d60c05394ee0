"""anyio and trio: streams that broke, nurseries that closed."""

from __future__ import annotations

from ..recognition import Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

_STREAM_GONE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")
_WOULD_BLOCK = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")

STREAMS: Table = table(
    {
        "anyio:BrokenResourceError trio:BrokenResourceError": _STREAM_GONE,
        "anyio:ClosedResourceError trio:ClosedResourceError": _STREAM_GONE,
        "anyio:EndOfStream trio:EndOfChannel": _STREAM_GONE,
        "anyio:IncompleteRead": verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent"),
        "anyio:DelimiterNotFound": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
        # Every address of the host was tried; the cause holds what each said.
        "anyio:ConnectionFailed": Otherwise(
            verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"), unsent=True
        ),
        "anyio:BrokenWorkerProcess anyio:BrokenWorkerInterpreter": verdict(
            Category.RESOURCE, Code.PROCESS_FAILED, "reconnect", "ignore"
        ),
        "anyio:BusyResourceError trio:BusyResourceError trio:TrioInternalError trio:NeedHandshakeError": _MISUSE,
        "anyio:RunFinishedError trio:RunFinishedError anyio:NoEventLoopError anyio:TypedAttributeLookupError": _MISUSE,
        # What became of another task: the cause says it, if that failed; if it was cancelled, nobody cancelled us.
        "anyio:TaskFailed anyio:FutureFailed": Otherwise(_MISUSE),
        "anyio:TaskCancelled anyio:FutureCancelled": _CANCELLED,
        "anyio:TaskNotFinished anyio:FutureNotFinished anyio:FutureAlreadyFinished": _MISUSE,
        "trio:BadPacket": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent"),
        "anyio:WouldBlock trio:WouldBlock": _WOULD_BLOCK,
        "trio:TooSlowError": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
    }
)
