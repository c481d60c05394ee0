"""httpx and httpcore, in both generations, and the protocol engines below: h11, h2, hpack and wsproto.

The second generation has the same classes under the names httpx2 and httpcore2. httpx puts the system's error into
the text of its own and hides the error itself, so the text is read first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_connecting
from .phrases import words_of
from .proxies import by_proxy_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification

_READ_BROKE = verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent", reason="broken while reading")
_WRITE_BROKE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent", reason="broken while writing")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="no connection came about")
_NETWORK = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="the network failed")
_HUNG_UP = verdict(
    Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent", reason="the server hung up without an answer"
)
_CUT_SHORT = verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent", reason="the answer was cut short")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent", reason="the answer is not HTTP")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NO_ROOM = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")

# RFC 9113 §7. A refused stream was certainly not processed (§8.7); the rest is the server's word against ours.
_HTTP_2_CODES: dict[str, Classification] = {
    "0 no_error": _HUNG_UP,
    "1 protocol_error 3 flow_control_error 4 settings_timeout 5 stream_closed 6 frame_size_error": _GARBLED,
    "2 internal_error": verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"),
    "7 refused_stream": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always"),
    "8 cancel": _HUNG_UP,
    "9 compression_error": _GARBLED,
    "10 connect_error": verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent"),
    "11 enhance_your_calm": verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore"),
    "12 inadequate_security": verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
    "13 http_1_1_required": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"),
}
_BY_HTTP_2_CODE = {
    name: meaning.because(f"HTTP/2 error code {names}")
    for names, meaning in _HTTP_2_CODES.items()
    for name in names.split()
}

_PROTOCOL_WORDS: dict[str, Classification] = {
    "without sending complete message body": _CUT_SHORT,
    "disconnected": _HUNG_UP,
    "connectionterminated": _HUNG_UP,
    "closed": _HUNG_UP,
    "illegal": _GARBLED,
    "invalid": _GARBLED,
    "malformed": _GARBLED,
    "bad ": _GARBLED,
    "too much": _GARBLED,
    "too many": _GARBLED,
    "too long": _GARBLED,
    "without a pending proposal": _GARBLED,  # a switch of protocols that nobody asked for
    "multiple": _GARBLED,
    "unexpected": _GARBLED,
    "conflicting": _GARBLED,
}


def _by_protocol_words(error: Any) -> Answer:
    """Judge what the server did wrong: mostly it closed a kept-alive connection, but it may have sent nonsense."""
    words = words_of(error)
    _, found, rest = words.partition("error_code:")
    if found:
        code = rest.split(",")[0].split(">")[0].strip().removeprefix("errorcodes.")
        if code in _BY_HTTP_2_CODE:
            return _BY_HTTP_2_CODE[code]
    return next((meaning for phrase, meaning in _PROTOCOL_WORDS.items() if phrase in words), _HUNG_UP)


def _by_network_words(otherwise: Classification) -> Callable[[Any], Answer]:
    def by_words(error: Any) -> Answer:
        return spoken_of(words_of(error)) or otherwise

    return by_words


def _by_any_network_words(error: Any) -> Answer:
    return spoken_of(words_of(error)) or Otherwise(_NETWORK)


def _by_connect_words(error: Any) -> Answer:
    """Judge a connection that did not come about; several addresses that all failed are told by the cause alone."""
    return spoken_of_connecting(words_of(error)) or Otherwise(_NOT_CONNECTED, unsent=True)


def _by_status_words(error: Any) -> Answer:
    """Fall back on the status in httpx's own message, for an error without its response."""
    status = as_status(words_of(error).partition("error '")[2][:3])
    return Otherwise(_NONSENSE.because("no status of an error") if status is None else STATUSES[status])


def _everywhere(names: str) -> str:
    """Put each name into all four packages."""
    packages = ("httpx", "httpx2", "httpcore", "httpcore2")
    return " ".join(f"{package}:{name}" for name in names.split() for package in packages)


HTTPX: Table = table(
    {
        _everywhere("ConnectTimeout"): verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
        _everywhere("ReadTimeout"): verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent"),
        _everywhere("WriteTimeout TimeoutException"): _TIMEOUT,
        _everywhere("PoolTimeout ConnectionNotAvailable"): _NO_ROOM,  # for lack of our own connections
        _everywhere("ConnectError"): _by_connect_words,
        _everywhere("ReadError"): _by_network_words(_READ_BROKE),
        _everywhere("WriteError CloseError"): _by_network_words(_WRITE_BROKE),
        _everywhere("NetworkError"): _by_any_network_words,
        _everywhere("ProxyError"): by_proxy_words,
        _everywhere("RemoteProtocolError") + " h11:RemoteProtocolError wsproto:RemoteProtocolError": _by_protocol_words,
        _everywhere("LocalProtocolError") + " h11:LocalProtocolError wsproto:LocalProtocolError": _MISUSE,
        _everywhere("ProtocolError") + " h11:ProtocolError wsproto:ProtocolError wsproto:ParseFailed": Otherwise(
            _GARBLED
        ),
        _everywhere("UnsupportedProtocol"): verdict(
            Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"
        ),
        "httpx:HTTPStatusError httpx2:HTTPStatusError": _by_status_words,
        "httpx:InvalidURL httpx2:InvalidURL": verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore"),
        "httpx:DecodingError httpx2:DecodingError": _NONSENSE,
        "httpx:TooManyRedirects httpx2:TooManyRedirects": verdict(
            Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success"
        ),
        "httpx2:SSEError httpx_sse:SSEError": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent"),
        "httpx:StreamError httpx2:StreamError httpx:CookieConflict httpx2:CookieConflict": _MISUSE,
        "httpx:HTTPError httpx2:HTTPError": Otherwise(_NETWORK),
    }
)

_BROKEN_RULES = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")

HTTP_2: Table = table(
    {
        # All of these end the connection, on which other requests may run; a client opens a new one by itself.
        "h2:TooManyStreamsError h2:NoAvailableStreamIDError": _NO_ROOM,
        "h2:StreamClosedError": verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent"),
        "h2:NoSuchStreamError h2:StreamIDTooLowError h2:RFC1122Error h2:InvalidSettingsValueError": _MISUSE,
        "h2:InvalidBodyLengthError": verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent"),
        "h2:ProtocolError h2:H2Error hpack:HPACKError hyperframe:HyperframeError": _BROKEN_RULES,
    }
)
