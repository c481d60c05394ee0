"""What an operating-system error says of itself in a text, where a client library kept only that.

Many clients turn the `OSError` behind a failed connection into a text and hide the error itself, and all of them lose
it when they are pickled. Python's own `[Errno 111]`, `[WinError 10061]` and `[SSL: REASON]` are never translated; the
words beside them are looked at where there is no number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..oserrors import BY_EAI, BY_ERRNO
from ..recognition import never_sent, verdict
from ..stdlib import BY_TLS_REASON
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_LONGEST = 400

_NO_SUCH_NAME = BY_EAI[-2].because("the message says that the host name is unknown")
_RESOLVER_DOWN = BY_EAI[-3].because("the message says that the resolver failed")
_BAD_CERTIFICATE = BY_TLS_REASON["CERTIFICATE_VERIFY_FAILED"].because("the message speaks of a bad certificate")
_TLS_BROKE_OFF = BY_TLS_REASON["UNEXPECTED_EOF_WHILE_READING"].because("the message says that TLS broke off")
_BAD_HANDSHAKE = verdict(
    Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="the message says that the TLS handshake failed"
)
_TLS_BROKE = verdict(Category.TRANSIENT, Code.TLS_ERROR, "idempotent", reason="the message says that TLS failed")
_TIMED_OUT = verdict(
    Category.TRANSIENT, Code.TIMEOUT, "idempotent", reason="the message says that the time was too short"
)
_CONNECT_TIMED_OUT = verdict(
    Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always", reason="no connection within the time allowed"
)
_REFUSED = verdict(
    Category.TRANSIENT, Code.CONNECTION_REFUSED, "always", reason="the message says that the connection was refused"
)
_RESET = verdict(
    Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent", reason="the message says that the connection was reset"
)
_CLOSED = verdict(
    Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent", reason="the message says that the connection was closed"
)
_NO_WAY_THERE = verdict(
    Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="the message says that the network is unreachable"
)

# Looked at before the numbers: those of the resolver mean something else on each system (8 is ENOEXEC or EAI_NONAME).
_RESOLVER_WORDS: dict[str, Classification] = {
    # getaddrinfo of glibc, musl, the BSDs with macOS, and Windows
    "temporary failure in name resolution": _RESOLVER_DOWN,
    "name or service not known": _NO_SUCH_NAME,
    "name does not resolve": _NO_SUCH_NAME,
    "nodename nor servname": _NO_SUCH_NAME,
    "no address associated with hostname": _NO_SUCH_NAME,
    "getaddrinfo failed": _NO_SUCH_NAME,
    "no such host is known": _NO_SUCH_NAME,
    # c-ares, the resolver of aiodns
    "domain name not found": _NO_SUCH_NAME,
    "dns server returned answer with no data": _NO_SUCH_NAME,
    "could not contact dns servers": _RESOLVER_DOWN,
    "timeout while contacting dns servers": _RESOLVER_DOWN,
}
_TLS_WORDS: dict[str, Classification] = {
    "certificate_verify_failed": _BAD_CERTIFICATE,
    "certificate verify failed": _BAD_CERTIFICATE,
    "' doesn't match": _BAD_CERTIFICATE,
    "fingerprints did not match": _BAD_CERTIFICATE,
    "certificate did not match": _BAD_CERTIFICATE,
    "eof occurred in violation of protocol": _TLS_BROKE_OFF,
}
_WORDS: dict[str, Classification] = {
    "timed out": _TIMED_OUT,
    "connection refused": _REFUSED,
    "connection reset": _RESET,
    "broken pipe": _CLOSED,
    "connection aborted": _CLOSED,
    "server disconnected": _CLOSED,
    "closed connection": _CLOSED,
    "network is unreachable": _NO_WAY_THERE,
    "no route to host": _NO_WAY_THERE,
}


def words_of(error: object) -> str:
    """Return the beginning of an error's message in lower case; "" if it has none to give."""
    try:
        return str(error)[:_LONGEST].lower()
    except Exception:  # a message may be made from attributes that were never set
        return ""


def spoken_of(words: str) -> Classification | None:
    """Judge by what such a text names; `words` are in lower case."""
    return _named_in(words, _TLS_BROKE)


def spoken_of_connecting(words: str) -> Classification | None:
    """Judge a text about a connection that did not come about, so that nothing was sent."""
    found = _named_in(words, _BAD_HANDSHAKE)
    return None if found is None else while_connecting(found)


def while_connecting(meaning: Classification) -> Classification:
    """Return what the failure means if the connection was just being made."""
    return _CONNECT_TIMED_OUT if meaning.code == Code.TIMEOUT else never_sent(meaning)


def _named_in(words: str, other_tls_error: Classification) -> Classification | None:
    found = _phrase_of(_RESOLVER_WORDS, words) or _by_tls_reason(words) or _phrase_of(_TLS_WORDS, words)
    if found is None and "[ssl" in words:
        return other_tls_error
    return found or _by_number(words) or _phrase_of(_WORDS, words)


def _phrase_of(table: dict[str, Classification], words: str) -> Classification | None:
    for phrase, meaning in table.items():
        if phrase in words:
            return meaning
    return None


def _by_tls_reason(words: str) -> Classification | None:
    return BY_TLS_REASON.get(words.partition("[ssl: ")[2].partition("]")[0].upper())


def _by_number(words: str) -> Classification | None:
    for mark in ("[errno ", "[winerror "):
        for part in words.split(mark, 3)[
            1:
        ]:  # "[Errno None] Multiple exceptions: [Errno 111] Connect call failed, ..."
            digits = part.partition("]")[0]
            if digits.removeprefix("-").isdecimal() and len(digits) <= 6:
                return BY_ERRNO.get(int(digits)) or BY_EAI.get(int(digits))
    return None
