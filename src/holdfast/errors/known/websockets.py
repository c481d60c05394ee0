"""WebSockets: the libraries websockets, websocket-client and httpx-ws, and the close codes that all of them report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, classes_of, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_connecting
from .phrases import words_of
from .proxies import by_proxy_status, by_proxy_words

if TYPE_CHECKING:
    from ..classification import Classification

_LOST = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_CLOSED_ON_PURPOSE = verdict(Category.PERMANENT, Code.CONNECTION_CLOSED, "never", "success")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_ASTRAY = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_ADDRESS = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_LET_DOWN = verdict(Category.EXTERNAL, Code.CONNECTION_CLOSED, "reconnect")

# RFC 6455 §7.4.1 and the registry that it founded. What the other side says of itself or of us:
_CLOSE_CODES: dict[int, Classification] = {
    1000: _CLOSED_ON_PURPOSE,
    1001: _LOST,  # going away: a server that shuts down
    1002: _NONSENSE,
    1003: verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success"),
    1005: _CLOSED_ON_PURPOSE,  # closed in order, without a code
    1006: _LOST,
    1007: verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success"),
    1008: _FORBIDDEN,  # policy violation: what servers send for missing or expired credentials
    1009: _TOO_LARGE,
    1010: verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success"),
    1011: verdict(Category.EXTERNAL, Code.SERVER_ERROR, "reconnect"),
    1012: verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect"),
    1013: verdict(Category.RESOURCE, Code.EXTERNAL_UNAVAILABLE, "reconnect", "ignore"),
    1014: verdict(Category.TRANSIENT, Code.BAD_GATEWAY, "reconnect"),
    1015: verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
    3000: verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success"),
    3003: _FORBIDDEN,
    3008: verdict(Category.TRANSIENT, Code.TIMEOUT, "reconnect"),
}
# What we said when we closed the connection first: our judgement of the other side.
_OWN_CLOSE_CODES: dict[int, Classification] = {
    1002: _NONSENSE,
    1003: _NONSENSE,
    1007: _NONSENSE,
    1009: _TOO_LARGE,  # for the limit that we set
    1010: _NONSENSE,
    1011: verdict(Category.TRANSIENT, Code.TIMEOUT, "reconnect"),  # the library says so when pings remain unanswered
}


def _of_http_like(number: int, meaning: Classification) -> Classification:
    scope = "reconnect" if meaning.retryable else "never"
    return meaning.replace(retry_scope=scope, reason=f"WebSocket close code {number}, by the usual reading of 4xxx")


_BY_CLOSE_CODE: dict[int, Classification] = {
    # Numbers from 4000 on are the application's. Many servers add 4000 to an HTTP status, as GraphQL's protocol does.
    **{4000 + status: _of_http_like(4000 + status, STATUSES[status]) for status in range(400, 512)},
    **{number: meaning.because(f"WebSocket close code {number}") for number, meaning in _CLOSE_CODES.items()},
}
_BY_OWN_CLOSE_CODE = {
    number: meaning.because(f"closed by ourselves with WebSocket code {number}")
    for number, meaning in _OWN_CLOSE_CODES.items()
}
_NO_CLOSE_FRAME = _LOST.because("the WebSocket broke without a close frame")
_ENDED = _CLOSED_ON_PURPOSE.because("the WebSocket was closed in order")
_OF_THE_SERVERS_OWN = _LET_DOWN.because("WebSocket close code of the server's own")


def by_close_number(number: Any, otherwise: Classification) -> Classification:
    """Judge the close code that the other side sent."""
    if not is_whole(number):
        return otherwise
    found = _BY_CLOSE_CODE.get(number)
    return found or (_OF_THE_SERVERS_OWN if 3000 <= number <= 4999 else otherwise)


def _by_orderly_end(error: Any) -> Answer:
    """Judge a connection that was closed in order, even if nothing is left that says how."""
    return _ENDED if read(error, "rcvd") is None else _by_close_frames(error)


def _by_close_frames(error: Any) -> Answer:
    """Judge by the close frame that came first; the answer to it mostly repeats its code."""
    received, sent = read(read(error, "rcvd"), "code"), read(read(error, "sent"), "code")
    if not is_whole(received):
        return _BY_OWN_CLOSE_CODE.get(sent, _NO_CLOSE_FRAME) if is_whole(sent) else _NO_CLOSE_FRAME
    if is_whole(sent) and read(error, "rcvd_then_sent") is False:
        return _BY_OWN_CLOSE_CODE.get(sent) or by_close_number(sent, _NO_CLOSE_FRAME)
    return by_close_number(received, _NO_CLOSE_FRAME)


def _by_code(error: Any) -> Answer:
    """Judge by the close code on the error itself."""
    return by_close_number(read(error, "code"), _NO_CLOSE_FRAME)


def _by_own_status(error: Any) -> Answer:
    """Judge a handshake that was answered with a status, on errors that carry it themselves."""
    status = as_status(read(error, "status_code")) or as_status(read(error, "status"))
    return Otherwise(_NONSENSE.because("handshake refused")) if status is None else STATUSES[status]


def _by_proxy_response(error: Any) -> Answer:
    return by_proxy_status(as_status(read(read(error, "response"), "status_code")))


_HUNG_UP = verdict(
    Category.TRANSIENT, Code.CONNECTION_CLOSED, "always", reason="hung up during the WebSocket handshake"
)
_NOT_HTTP = _NONSENSE.because("handshake answered with something that is not HTTP")


def _by_what_was_read(error: Any) -> Answer:
    """Judge an answer to the handshake that is no message: cut off, which may pass, or nonsense."""
    for name in ("__cause__", "__context__"):
        cause = read(error, name)
        if any(kind in {EOFError, ConnectionError} for kind in classes_of(type(cause))):
            return _HUNG_UP
    return _NOT_HTTP


def _by_broken_limit(error: Any) -> Answer:
    """Judge a handshake that went beyond a limit: redirected too often or to where it is not safe, or far too long."""
    return _REDIRECTED if "redirect" in words_of(error) else _BEYOND_LIMITS


_REDIRECTED = _ASTRAY.because("redirected too often, or to an address that is not safe")
_BEYOND_LIMITS = _NONSENSE.because("handshake that breaks a limit")


_LOOKED_UP_IN_VAIN = verdict(
    Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore", reason="the host name is unknown"
)


def _by_lookup_words(error: Any) -> Answer:
    return spoken_of_connecting(words_of(error)) or _LOOKED_UP_IN_VAIN


def _by_lost_words(error: Any) -> Answer:
    found = spoken_of(words_of(error))
    return _NO_CLOSE_FRAME if found is None else found.replace(retry_scope="reconnect")


WEBSOCKETS: Table = table(
    {
        "websockets:ConnectionClosedOK": _by_orderly_end,
        "websockets:ConnectionClosed": _by_close_frames,
        # The handshake. What `InvalidStatus` carries on `.response` is read like any other HTTP answer.
        "websockets:InvalidStatusCode websockets:AbortHandshake": _by_own_status,
        "websockets:RedirectHandshake": _ASTRAY,
        "websockets:SecurityError": _by_broken_limit,
        "websockets:InvalidMessage": _by_what_was_read,
        "websockets:InvalidOrigin": _FORBIDDEN,
        "websockets:InvalidProxyStatus": _by_proxy_response,
        "websockets:ProxyError": by_proxy_words,
        "websockets:NegotiationError": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success"),
        "websockets:InvalidHandshake": Otherwise(_NONSENSE),
        # frames
        "websockets:ProtocolError websockets:WebSocketProtocolError": _NONSENSE,
        "websockets:PayloadTooBig websockets:TooManyFragments": _TOO_LARGE,
        # ourselves
        "websockets:InvalidURI": _BAD_ADDRESS,
        "websockets:InvalidProxy": _WRONG_SETUP,
        "websockets:InvalidState websockets:ConcurrencyError": _MISUSE,
        "websockets:WebSocketException": Otherwise(_NONSENSE),
    }
)

OTHER_WEBSOCKETS: Table = table(
    {
        # websocket-client, whose package is named websocket
        "websocket:WebSocketTimeoutException": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
        "websocket:WebSocketConnectionClosedException": _LOST,
        "websocket:WebSocketProxyException": by_proxy_words,
        "websocket:WebSocketBadStatusException": _by_own_status,
        "websocket:WebSocketAddressException": _by_lookup_words,
        "websocket:WebSocketException": Otherwise(_NONSENSE),
        # httpx-ws, which httpx2 contains
        "httpx_ws:WebSocketDisconnect httpx2:WebSocketDisconnect": _by_code,
        "httpx_ws:WebSocketNetworkError httpx2:WebSocketNetworkError": _by_lost_words,
        "httpx_ws:HTTPXWSException httpx2:HTTPXWSException": Otherwise(_NONSENSE),
    }
)
