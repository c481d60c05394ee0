"""HTTP clients that work on `http.client`: urllib3, requests and niquests on top of it, and xmlrpc."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..chain import is_exception
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_connecting, spoken_of_tls
from .phrases import words_of
from .proxies import by_proxy_words

if TYPE_CHECKING:
    from ..classification import Classification

_NETWORK = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="the connection failed")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="no connection came about")
_NO_RESOLVER = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always", reason="the host name was not resolved")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent", reason="the connection broke")
_CUT_SHORT = verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent")
_CONNECT_TIMEOUT = verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always")
_READ_TIMEOUT = verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
_BAD_HANDSHAKE = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="TLS failed")
_NO_ROOM = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_POOL_CLOSED = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_ASTRAY = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_TOO_MANY_ERRORS = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="too many error responses")
_TOO_MANY_REDIRECTS = _ASTRAY.because("too many redirects")
_BAD_HEADER_SENT = _BAD_INPUT.because("a header that cannot be sent")
_BAD_HEADER_RECEIVED = _NONSENSE.because("a header that cannot be read")
_NO_STATUS = _NONSENSE.because("no status of an error")


def _possibly_executed(meaning: Classification) -> Classification:
    return meaning.replace(retry_scope="idempotent") if meaning.category is Category.TRANSIENT else meaning


def _by_xml_rpc_status(error: Any) -> Answer:
    """Judge an XML-RPC transport error: each call is a POST, which may have been carried out."""
    status = as_status(read(error, "errcode"))
    return None if status is None else _possibly_executed(STATUSES[status])


def _by_refusals(error: Any) -> Answer:
    """Judge why urllib3 gave up retrying."""
    return _refused_too_often(words_of(error))


def _refused_too_often(words: str) -> Classification:
    """Read the status from the text; one of the attempts may have got through."""
    if "too many redirects" in words:
        return _TOO_MANY_REDIRECTS
    status = as_status(words.partition("too many ")[2][:3])
    return _TOO_MANY_ERRORS if status is None else _possibly_executed(STATUSES[status])


def _by_connect_words(error: Any) -> Answer:
    """Judge a connection that did not come about, although its class is below that of timeouts."""
    return spoken_of_connecting(words_of(error)) or Otherwise(_NOT_CONNECTED, unsent=True)


def _by_lookup_words(error: Any) -> Answer:
    return spoken_of_connecting(words_of(error)) or Otherwise(_NO_RESOLVER, unsent=True)


def _by_tls_words(error: Any) -> Answer:
    """Fall back on what the text says of TLS; the error inside, if there is one, is asked first."""
    return Otherwise(spoken_of_tls(words_of(error)) or _BAD_HANDSHAKE)


def _by_network_words(error: Any) -> Answer:
    """Fall back on the text of an error that lost the error inside, as all do that went to another process."""
    words = words_of(error)
    if "too many " in words and ("error responses" in words or "redirects" in words):
        return Otherwise(_refused_too_often(words))
    connecting = "newconnectionerror" in words or "connecttimeouterror" in words
    found = spoken_of_connecting(words) if connecting else spoken_of(words)
    return Otherwise(found or _NETWORK)


def _by_protocol_words(error: Any) -> Answer:
    return Otherwise(spoken_of(words_of(error)) or _CLOSED)


def _by_status_words(error: Any) -> Answer:
    """Fall back on the status with which the message begins, for an error without its response."""
    status = as_status(words_of(error)[:3])
    return Otherwise(_NO_STATUS if status is None else STATUSES[status])


def _by_header(error: Any) -> Answer:
    """Judge a header that requests will not send, or that urllib3 received and cannot read."""
    arguments = read(error, "args")
    received = isinstance(arguments, tuple) and arguments and is_exception(arguments[0])
    return _BAD_HEADER_RECEIVED if received else _BAD_HEADER_SENT


def _in_both(names: str) -> str:
    """Put each name into requests and into its offspring niquests."""
    return " ".join(f"{package}:{name}" for name in names.split() for package in ("requests", "niquests"))


URLLIB3: Table = table(
    {
        "urllib3:MaxRetryError": _by_network_words,  # its `.reason` is what went wrong
        "urllib3:ResponseError": _by_refusals,
        "urllib3:NameResolutionError": _by_lookup_words,
        "urllib3:NewConnectionError": _by_connect_words,
        "urllib3:ConnectTimeoutError": _CONNECT_TIMEOUT,
        "urllib3:ReadTimeoutError": _READ_TIMEOUT,
        "urllib3:TimeoutError": _TIMEOUT,
        "urllib3:SSLError": _by_tls_words,
        "urllib3:CertificateError": _BAD_CERTIFICATE,
        "urllib3:ProxyError": by_proxy_words,
        "urllib3:ProtocolError": _by_protocol_words,
        "urllib3:IncompleteRead urllib3:InvalidChunkLength": _CUT_SHORT,
        "urllib3:DecodeError urllib3:HeaderParsingError urllib3:ResponseNotChunked": _NONSENSE,
        "urllib3:InvalidHeader": _BAD_HEADER_RECEIVED,
        "urllib3:EmptyPoolError urllib3:FullPoolError": _NO_ROOM,
        "urllib3:ClosedPoolError": _POOL_CLOSED,
        "urllib3:HostChangedError urllib3:TimeoutStateError urllib3:UnrewindableBodyError": _MISUSE,
        "urllib3:BodyNotHttplibCompatible": _MISUSE,
        "urllib3:ProxySchemeUnknown urllib3:ProxySchemeUnsupported urllib3:AppEnginePlatformError": _WRONG_SETUP,
        "urllib3:NoWayToWaitForSocketError": _WRONG_SETUP,
        "urllib3:LocationValueError": _BAD_INPUT,
        "urllib3:HTTPError": Otherwise(_NETWORK),
    }
)

REQUESTS: Table = table(
    {
        _in_both("ConnectTimeout"): _CONNECT_TIMEOUT,
        _in_both("ReadTimeout"): _READ_TIMEOUT,
        _in_both("Timeout"): _TIMEOUT,
        _in_both("ProxyError"): by_proxy_words,
        _in_both("SSLError"): _by_tls_words,
        _in_both("ConnectionError RetryError"): _by_network_words,
        _in_both("ChunkedEncodingError"): _CUT_SHORT,
        _in_both("ContentDecodingError"): _NONSENSE,
        _in_both("JSONDecodeError"): verdict(Category.EXTERNAL, Code.INVALID_JSON),
        _in_both("InvalidJSONError"): _BAD_INPUT,  # what we were about to send
        _in_both("TooManyRedirects"): _ASTRAY,
        _in_both("HTTPError"): _by_status_words,
        _in_both("InvalidHeader"): _by_header,
        _in_both("InvalidProxyURL"): _WRONG_SETUP,
        _in_both("InvalidURL MissingSchema InvalidSchema URLRequired"): _BAD_INPUT,
        _in_both("StreamConsumedError UnrewindableBodyError CookieConflictError"): _MISUSE,
        _in_both("RequestException"): _by_network_words,
        "requests_oauthlib:TokenMissing requests_oauthlib:VerifierMissing": verdict(
            Category.AUTH, Code.MISSING_CREDENTIALS, "never", "ignore"
        ),
    }
)

HTTP_CLIENTS: Table = {
    **table({"xmlrpc.client.ProtocolError": _by_xml_rpc_status}),
    **URLLIB3,
    **REQUESTS,
}
