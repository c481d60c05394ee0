"""aiohttp, version 3, as client and as server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import FORBIDDEN_FOR_ITS_RATE, STATUSES, as_status
from ..oserrors import BY_EAI, by_errno
from ..recognition import Answer, Otherwise, Table, classes_of, table, verdict
from ..retry_after import find, is_rate_limit
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_connecting, while_connecting
from .phrases import words_of
from .proxies import PROXY_FAILED, by_proxy_status
from .websockets import by_close_number

if TYPE_CHECKING:
    from ..classification import Classification

_NETWORK = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_URL = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_ASTRAY = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_CUT_SHORT = verdict(
    Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent", reason="the answer broke off before its end"
)
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="no connection came about")
_NO_RESOLVER = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always", reason="the resolver failed")
_BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
_BAD_HANDSHAKE = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="the TLS handshake failed")
_READ_TIMEOUT = verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent")
_CONNECT_TIMEOUT = verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent", reason="aiohttp timed out")

_NOT_HTTP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent", reason="an answer that is not HTTP")
_UNDECODED = _NONSENSE.because("an answer that cannot be decoded")
_NO_STATUS = Otherwise(_NONSENSE.because("no status of an error"))


def _by_status(error: Any) -> Answer:
    """Judge by the status, which aiohttp invents for an answer that it cannot parse: that is 400, or 0."""
    if _is_parse_error(read(error, "__cause__")):
        return _NOT_HTTP
    status = as_status(read(error, "status"))
    if status is None:
        return _NO_STATUS
    if status == 403 and is_rate_limit(find(read(error, "headers") or {})):
        return FORBIDDEN_FOR_ITS_RATE
    return STATUSES[status]


def _is_parse_error(cause: Any) -> bool:
    return any(kind.__qualname__ == "HttpProcessingError" for kind in classes_of(type(cause)))


def _by_proxy_status(error: Any) -> Answer:
    return by_proxy_status(as_status(read(error, "status")))


# -- connections ----------------------------------------------------------------------------------------------


def _by_connection(error: Any) -> Answer:
    """Judge a connection that did not come about; the error wears the errno of the one inside, which may be EAI_*."""
    inner = read(error, "os_error")
    if any(kind.__qualname__ == "gaierror" for kind in classes_of(type(inner))):
        return _by_name_lookup(error)
    spoken = spoken_of_connecting(words_of(inner))
    if spoken is not None:
        return spoken
    found = by_errno(error)
    return _NOT_CONNECTED if found is None else while_connecting(found)


def _by_name_lookup(error: Any) -> Answer:
    """Judge a host name that was not resolved: by getaddrinfo's number, or by the text of another resolver."""
    number = read(error, "errno")
    found = BY_EAI.get(number) if isinstance(number, int) else None
    return found or spoken_of_connecting(words_of(read(error, "os_error"))) or _NO_RESOLVER


def _by_proxy_connection(error: Any) -> Answer:
    found = _by_connection(error)
    return found if isinstance(found, tuple) or found is None or found.category is Category.CONFIGURATION else _NO_PROXY


_NO_PROXY = PROXY_FAILED.replace(retry_scope="always", reason="the proxy could not be reached")


def _by_handshake(error: Any) -> Answer:
    """Judge a failed TLS handshake; OpenSSL's reason is in the text only, and errno 1 is not EPERM."""
    return spoken_of_connecting(words_of(read(error, "os_error"))) or _BAD_HANDSHAKE


def _by_system_error(error: Any) -> Answer:
    """Judge a connection that broke; aiohttp copies errno and text, also of TLS errors, whose errno is OpenSSL's."""
    words = words_of(error)
    if "[ssl" in words:
        return spoken_of(words)
    return by_errno(error) or spoken_of(words) or Otherwise(_NETWORK.because("the connection failed"))


_CONNECTOR_CLOSED = verdict(
    Category.INTERNAL,
    Code.INTERNAL_ERROR,
    "reconnect",
    "ignore",
    retryable=False,
    reason="the session's connector is closed",
)
_CONNECTION_WORDS: dict[str, Classification] = {
    "connector is closed": _CONNECTOR_CLOSED,
    "tls-in-tls": _WRONG_SETUP.because("the event loop cannot do TLS in TLS"),
    "connection lost": _CLOSED.because("connection lost"),
    "connection closed": _CLOSED.because("connection closed"),
}


def _by_connection_words(error: Any) -> Answer:
    words = words_of(error)
    for phrase, meaning in _CONNECTION_WORDS.items():
        if phrase in words:
            return meaning
    return Otherwise(_NETWORK.because("the connection failed"))


def _by_timeout_words(error: Any) -> Answer:
    """Judge a timeout of versions that had one class for all of them."""
    words = words_of(error)
    if "connection timeout to host" in words:
        return _CONNECT_TIMEOUT.because("connection timeout")
    return _READ_TIMEOUT.because("timeout while reading") if "timeout on reading" in words else _TIMEOUT


def _by_payload_words(error: Any) -> Answer:
    """Judge a body that was not read to its end: mostly the connection broke."""
    words = words_of(error)
    if "content-encoding" in words or "contentencodingerror" in words or "decompress" in words:
        return _UNDECODED
    if "consumed request body" in words:
        return _MISUSE.because("the request's body cannot be sent a second time")
    return _CUT_SHORT


_CLOSING_MESSAGES = tuple(f"received message {kind}:" for kind in (8, 256, 257, 258))
_WEBSOCKET_CLOSED = verdict(
    Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect", reason="the WebSocket was closed by the other side"
)
_OTHER_MESSAGE = _NONSENSE.because("a WebSocket message of another type than expected")


def _by_message_type(error: Any) -> Answer:
    """Judge a WebSocket message of the wrong type: 8 is a close frame, 256 and above stand for a broken connection."""
    return _WEBSOCKET_CLOSED if words_of(error).startswith(_CLOSING_MESSAGES) else _OTHER_MESSAGE


def _by_close_code(error: Any) -> Answer:
    return by_close_number(read(error, "code"), _NONSENSE)


AIOHTTP: Table = table(
    {
        # answers
        "aiohttp:ClientResponseError aiohttp:WSServerHandshakeError aiohttp:ContentTypeError": _by_status,
        "aiohttp:ClientHttpProxyError": _by_proxy_status,
        "aiohttp:TooManyRedirects aiohttp:RedirectClientError": _ASTRAY,
        "aiohttp:InvalidUrlRedirectClientError aiohttp:NonHttpUrlRedirectClientError": _ASTRAY,
        "aiohttp:ClientPayloadError": _by_payload_words,
        "aiohttp:ContentEncodingError aiohttp:DecompressSizeError aiohttp:TooManyMembersError": _UNDECODED,
        "aiohttp:PayloadEncodingError": _CUT_SHORT,
        "aiohttp:HttpProcessingError": _NOT_HTTP,
        # connections
        "aiohttp:ClientConnectorDNSError": _by_name_lookup,
        "aiohttp:ClientProxyConnectionError": _by_proxy_connection,
        "aiohttp:ClientConnectorCertificateError aiohttp:ServerFingerprintMismatch": _BAD_CERTIFICATE,
        "aiohttp:ClientSSLError": _by_handshake,
        "aiohttp:ClientConnectorError": _by_connection,
        "aiohttp:ClientConnectionResetError": verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent"),
        "aiohttp:ClientOSError": _by_system_error,
        "aiohttp:ServerDisconnectedError aiohttp:UploadAbortedError aiohttp:EofStream": _CLOSED,
        "aiohttp:ConnectionTimeoutError": _CONNECT_TIMEOUT,
        "aiohttp:SocketTimeoutError": _READ_TIMEOUT,
        "aiohttp:ServerTimeoutError": _by_timeout_words,
        "aiohttp:ClientConnectionError": _by_connection_words,
        # what was asked for
        "aiohttp:InvalidURL": _BAD_URL,
        "aiohttp:NonHttpUrlClientError": _WRONG_SETUP,
        "aiohttp:ClientError": Otherwise(_NETWORK),
        # WebSockets
        "aiohttp:WSMessageTypeError": _by_message_type,
        "aiohttp:WebSocketError": _by_close_code,
        "aiohttp:WSHandshakeError": _NONSENSE,
        # the server's side: what was sent to us, and what we raise as an answer
        "aiohttp:RequestPayloadError": verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "ignore"),
        "aiohttp:PayloadAccessError aiohttp.payload.LookupError": _MISUSE,
        "aiohttp:HTTPException": Otherwise(_ASTRAY),
        "aiohttp:CleanupError": Otherwise(_MISUSE),
    }
)
