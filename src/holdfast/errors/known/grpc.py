"""gRPC: the canonical status codes, and the texts of the client itself that say more than the code does.

https://grpc.io/docs/guides/status-codes/ says what each code means. The C core, on which `grpc` and `grpc.aio` are
built, gives the code UNAVAILABLE to a refused connection, a wrong host name, a bad certificate, failed credentials and
a connection that broke in the middle of a call; only the details tell them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .google_reasons import ABORTED, RATE_LIMITED, REASONS, SPENT_QUOTA
from .rpc_details import Details, asked, of_list, of_metadata

if TYPE_CHECKING:
    from ..classification import Classification

_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_UNREACHED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_RESET = verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")

MEANINGS: dict[str, Classification] = {  # in the order of their numbers
    "OK": _NONSENSE,  # an error that says there is none
    "CANCELLED": _CANCELLED,
    "UNKNOWN": _SERVER_BROKE,
    "INVALID_ARGUMENT": verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success"),
    "DEADLINE_EXCEEDED": _TIMEOUT,
    "NOT_FOUND": verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    "ALREADY_EXISTS": verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success"),
    "PERMISSION_DENIED": verdict(Category.AUTH, Code.FORBIDDEN, "never", "success"),
    "RESOURCE_EXHAUSTED": RATE_LIMITED,
    "FAILED_PRECONDITION": verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
    "ABORTED": ABORTED,  # "retry at a higher level", such as the whole read-modify-write
    "OUT_OF_RANGE": verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success"),
    "UNIMPLEMENTED": verdict(Category.PERMANENT, Code.SERVER_ERROR, "never", "success"),  # as HTTP's 501
    "INTERNAL": _SERVER_BROKE,
    "UNAVAILABLE": _UNAVAILABLE,
    "DATA_LOSS": verdict(Category.EXTERNAL, Code.SERVER_ERROR),  # for good
    "UNAUTHENTICATED": _NOT_LET_IN,
}
_BY_NAME = {name: meaning.because(f"gRPC status {name}") for name, meaning in MEANINGS.items()}
_NAMES = tuple(MEANINGS)

_WITHOUT_STATUS = Otherwise(_SERVER_BROKE.because("gRPC error without a status"))

# What the client says, in lower case; an ellipsis stands for anything in between. The first that fits decides.
_CREDENTIALS: dict[str, Classification] = {
    "metadata from plugin failed…invalid_grant": _NOT_LET_IN,
    "metadata from plugin failed…invalid_client": _NOT_LET_IN,
    "metadata from plugin failed…unauthorized_client": _NOT_LET_IN,
    "metadata from plugin failed…reauth": _NOT_LET_IN,
    "metadata from plugin failed": _UNREACHED,  # no token was got, so nothing was sent
}
_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
_NO_SUCH_NAME = verdict(Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore")
_RESOLVER_DOWN = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always")
_CONNECTING: dict[str, Classification] = {
    "certificate_verify_failed": _CERTIFICATE,
    "certificate verify failed": _CERTIFICATE,
    "hostname verification check failed": _CERTIFICATE,
    "not in peer certificate": _CERTIFICATE,
    "handshake failed…ssl_error_ssl": verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
    "domain name not found": _NO_SUCH_NAME,
    "misformatted domain name": _NO_SUCH_NAME,
    "name or service not known": _NO_SUCH_NAME,
    "nodename nor servname provided": _NO_SUCH_NAME,
    "no address associated with hostname": _NO_SUCH_NAME,
    "dns resolution failed": _RESOLVER_DOWN,
    "errors resolving": _RESOLVER_DOWN,
    "name resolution failure": _RESOLVER_DOWN,
    "address lookup failed": _RESOLVER_DOWN,
    "http proxy returned response code 407": verdict(Category.CONFIGURATION, Code.PROXY_ERROR),
    "http proxy returned response code": verdict(Category.EXTERNAL, Code.PROXY_ERROR, "idempotent"),
    "connection refused": verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"),
    "failed to connect…timed out": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
    "failed to connect…timeout": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
    "failed to connect": _UNREACHED,
    "connect failed": _UNREACHED,
    "handshake": _UNREACHED,
}
_BROKEN: dict[str, Classification] = {
    # REFUSED_STREAM: the server promises that it did not touch the call (RFC 9113 §8.7).
    "refused_stream": _UNAVAILABLE,
    "rst_stream with error code 7": _UNAVAILABLE,
    "connection reset": _RESET,
    "broken pipe": _RESET,
    "stream removed": _RESET,
    "rst_stream": _RESET,
    "socket closed": _CLOSED,
    "goaway": _CLOSED,
    "too many pings": _CLOSED,
    "keepalive": _CLOSED,
    "ping timeout": _CLOSED,
    "transport closed": _CLOSED,
    "transport is closing": _CLOSED,
    "connection closed": _CLOSED,
    "connection dropped": _CLOSED,
    "endpoint read failed": _CLOSED,
    "cancelling all calls": _CLOSED,  # the server was stopped
    "recvmsg": _CLOSED,
    "sendmsg": _CLOSED,
    # Envoy's; of the other reasons to reset it says "connection failure", "connection timeout" and "overflow".
    "reset reason: connection termination": _CLOSED,
    "reset reason: remote reset": _RESET,
    "reset reason: protocol error": _RESET,
    "upstream request timeout": STATUSES[504],
    "502:bad gateway": STATUSES[502],
}
_NO_CHANNEL: dict[str, Classification] = {
    "failed to create channel": _WRONG_SETUP,
    "failed to create secure client channel": _WRONG_SETUP,
    "target uri is not valid": _WRONG_SETUP,
}
_OWN_CODE: dict[str, Classification] = {
    "exception iterating requests": _MISUSE,
    "exception serializing request": _MISUSE,
    "exception raised while intercepting": _MISUSE,
    "invalid metadata": verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore"),
    "exception deserializing response": _NONSENSE,
}
_LIMITS: dict[str, Classification] = {
    "message larger than max": _TOO_LARGE,
    "message larger than the limit": _TOO_LARGE,
    "message exceeds maximum size": _TOO_LARGE,
    "metadata size exceeds": _TOO_LARGE,
    "quota exceeded…per day": SPENT_QUOTA,
}
_TEXTS: dict[str, dict[str, Classification]] = {
    "UNKNOWN": {**_NO_CHANNEL, **_OWN_CODE, **_CREDENTIALS, **_BROKEN},
    "INTERNAL": {**_OWN_CODE, **_CREDENTIALS, **_BROKEN},
    "UNAVAILABLE": {**_CREDENTIALS, **_CONNECTING, **_BROKEN},
    "RESOURCE_EXHAUSTED": _LIMITS,
}
_BY_TEXT: dict[str, list[tuple[list[str], Classification]]] = {
    name: [
        (text.split("…"), meaning.because(f"gRPC status {name}, with details such as {text!r}"))
        for text, meaning in texts.items()
    ]
    for name, texts in _TEXTS.items()
}
_HTTP_STATUS = "received http2 header with status: "
"""What the client says when a proxy or a wrong server answered, in whose place it makes up a gRPC status."""

_LONGEST_TEXT = 400  # the reason stands behind the addresses that were tried


def canonical_name(status: Any) -> str:
    """Return the name of a status given as a member of some enum or as its number; "" if it is none."""
    if isinstance(status, int) and not isinstance(status, bool) and 0 <= status < len(_NAMES):
        return _NAMES[status]
    name = read(status, "name")
    return name if isinstance(name, str) and name in MEANINGS else ""


def by_status(name: str, text: Any, details: Details) -> Classification:
    """Judge a call that ended with the status of this name, this text, and these details."""
    words = text[:_LONGEST_TEXT].lower() if isinstance(text, str) else ""
    found = REASONS.get(details.reason) or _by_http_status(words) or _by_text(name, words) or _BY_NAME[name]
    return with_details(found, details)


def with_details(found: Classification, details: Details) -> Classification:
    """Add to the verdict when the server wants us back, if at all."""
    if details.spent and found.code == Code.EXTERNAL_RATE_LIMITED:
        return SPENT_QUOTA  # a RetryInfo beside it tells of seconds all the same
    if not found.retryable:
        return found
    if details.forbidden:
        return found.replace(
            retryable=False, retry_scope="never", reason=f"{found.reason}, and the server says not to retry"
        )
    return found.waiting(details.wait)


def _by_text(name: str, words: str) -> Classification | None:
    for parts, meaning in _BY_TEXT.get(name, ()) if words else ():
        if all(part in words for part in parts):
            return meaning
    return None


def _by_http_status(words: str) -> Classification | None:
    digits = words.partition(_HTTP_STATUS)[2][:3]
    return STATUSES.get(int(digits)) if digits.isascii() and digits.isdigit() else None


def details_of_call(call: Any) -> Details:
    """Read the trailing metadata of a call that has ended."""
    return of_metadata(asked(call, "trailing_metadata"))


def _by_rpc_status(error: Any) -> Answer:
    """Judge whatever is an `RpcError` and can say its status; a bare one cannot."""
    name = canonical_name(asked(error, "code")) or canonical_name(read(error, "code"))
    return by_status(name, asked(error, "details"), details_of_call(error)) if name else _WITHOUT_STATUS


def _by_grpclib_status(error: Any) -> Answer:
    name = canonical_name(read(error, "status"))
    return by_status(name, read(error, "message"), of_list(read(error, "details"))) if name else _WITHOUT_STATUS


GRPC: Table = table(
    {
        # AioRpcStatus is what the core gives for a call that has ended; its code is a number.
        "grpc:RpcError grpc:AioRpcStatus": _by_rpc_status,
        "grpc:FutureTimeoutError": _TIMEOUT,
        "grpc:FutureCancelledError": _CANCELLED,
        "grpc:UsageError grpc:InternalError grpc:BaseError grpc:_RequestCallError": _MISUSE,
        "grpc:_WatchConnectivityFailed": _MISUSE,  # the channel was closed
        "grpc:ExecuteBatchError": _CLOSED,
        # A server's own: its handler ended the call, or it is being stopped.
        "grpc:AbortError grpc:_ServerStoppedError": _CANCELLED,
        # The interfaces of the former beta, and the futures beneath them
        "grpc:CancellationError grpc:CancelledError grpc:Abandoned": _CANCELLED,
        "grpc:ExpirationError grpc:TimeoutError": _TIMEOUT,
        "grpc:NetworkError grpc:LocalShutdownError grpc:RemoteShutdownError": _CLOSED,
        "grpc:LocalError": _MISUSE,
        "grpc:RemoteError grpc:AbortionError": _SERVER_BROKE,
        "grpc:NoSuchMethodError": verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
        # grpclib, in pure Python
        "grpclib:GRPCError": _by_grpclib_status,
        "grpclib:StreamTerminatedError": _RESET,
        "grpclib:ProtocolError": _MISUSE,
    }
)
