"""anyio and trio: streams that broke, nurseries that closed."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..recognition import Answer, Otherwise, Table, classes_of, full_name, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of_connecting
from .phrases import words_of

_STREAM_GONE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")
_WOULD_BLOCK = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")

_BROKEN = _STREAM_GONE.because("the stream broke")


def _by_what_broke_it(error: Any) -> Answer:
    """Judge a stream that broke: for good, if TLS says so, since a handshake that failed is told in this way too."""
    cause = read(error, "__cause__")
    if any(full_name(kind) == "ssl.SSLError" for kind in classes_of(type(cause))):
        spoken = spoken_of_connecting(words_of(cause))
        if spoken is not None and spoken.category is Category.CONFIGURATION:
            return spoken
    return _BROKEN


STREAMS: Table = table(
    {
        "anyio:BrokenResourceError trio:BrokenResourceError": _by_what_broke_it,
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
