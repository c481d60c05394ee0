"""What the network did, read from the texts of errors that keep nothing else of it.

Many clients turn the `OSError` behind a failed connection into a text and hide the error itself, collect several of
them in one text, or lose them when they are pickled. Python's own `[Errno 111]`, `[WinError 10061]` and `[SSL: REASON]`
are never translated; the words beside them, which are those of Linux, macOS and Windows, are looked at where there is
no number. A failure while connecting differs in one thing from the same failure later on: nothing was sent yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..oserrors import BY_EAI, BY_ERRNO
from ..recognition import never_sent, verdict
from ..stdlib import BY_TLS_REASON
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .phrases import by_phrase, phrases

if TYPE_CHECKING:
    from ..classification import Classification

_BAD_CERTIFICATE = BY_TLS_REASON["CERTIFICATE_VERIFY_FAILED"]
_BAD_HANDSHAKE = verdict(
    Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="the text says that the TLS handshake failed"
)
_TLS_BROKE = verdict(Category.TRANSIENT, Code.TLS_ERROR, "idempotent", reason="the text says that TLS failed")
_CONNECT_TIMED_OUT = verdict(
    Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always", reason="no connection within the time allowed"
)

# Looked at before the numbers: those of the resolver mean something else on each system (8 is ENOEXEC or EAI_NONAME).
_RESOLVER_WORDS = phrases(
    {
        (
            "temporary failure in name resolution",
            "could not contact dns servers",  # c-ares, the resolver of aiodns and of gRPC
            "timeout while contacting dns servers",
            "all nameservers failed to answer",  # dnspython
            "resolution lifetime expired",
            "dns operation timed out",
        ): BY_EAI[-3],
        (
            # getaddrinfo of glibc, musl, the BSDs with macOS, and Windows
            "name or service not known",
            "name does not resolve",
            "nodename nor servname",
            "no address associated",
            "getaddrinfo failed",
            "no such host is known",
            "domain name not found",  # c-ares
            "dns server returned answer with no data",
            "dns query name does not exist",  # dnspython
        ): BY_EAI[-2],
    }
)
_TLS_WORDS = phrases(
    {
        (
            "certificate_verify_failed",
            "certificate verify failed",
            "self-signed certificate",
            "self signed certificate",
            "certificate has expired",
            "hostname mismatch",
            "ip address mismatch",
            "' doesn't match",
            "fingerprints did not match",
            "certificate did not match",
            "alert unknown ca",
            "alert bad certificate",
            "alert certificate",
        ): _BAD_CERTIFICATE,
        ("eof occurred in violation of protocol", "unexpected_eof", "unexpected eof"): BY_TLS_REASON[
            "UNEXPECTED_EOF_WHILE_READING"
        ],
    }
)
_TLS_SIGNS = ("[ssl", "wrong version number", "handshake failure")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_WORDS = phrases(
    {
        ("timed out", "timeout connecting"): verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
        ("connection refused", "actively refused", "connect call failed"): verdict(
            Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"
        ),
        ("connection reset", "forcibly closed"): verdict(Category.TRANSIENT, Code.CONNECTION_RESET, "idempotent"),
        ("broken pipe", "connection aborted", "server disconnected", "remote end closed"): _CLOSED,
        ("connection closed", "closed connection", "connection is closed", "connection is already closed"): _CLOSED,
        (
            "network is unreachable",
            "unreachable network",
            "no route to host",
            "unreachable host",
            "host is down",
        ): verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always"),
    }
)


def spoken_of(words: str) -> Classification | None:
    """Judge by what such a text names; `words` are in lower case."""
    return _named_in(words, _TLS_BROKE)


def spoken_of_connecting(words: str) -> Classification | None:
    """Judge a text about a connection that did not come about, so that nothing was sent."""
    found = _named_in(words, _BAD_HANDSHAKE)
    return None if found is None else while_connecting(found)


def spoken_of_tls(words: str) -> Classification | None:
    """Judge a text about TLS, which broke off or will not do; None if it does not say which."""
    found = spoken_of(words)
    return None if found is _TLS_BROKE else found


def while_connecting(meaning: Classification) -> Classification:
    """Return what the failure means if the connection was just being made."""
    return _CONNECT_TIMED_OUT if meaning.code == Code.TIMEOUT else never_sent(meaning)


def _named_in(words: str, other_tls_error: Classification) -> Classification | None:
    found = by_phrase(words, _RESOLVER_WORDS) or _by_tls_reason(words) or by_phrase(words, _TLS_WORDS)
    if found is None and any(sign in words for sign in _TLS_SIGNS):
        return other_tls_error
    return found or _by_number(words) or by_phrase(words, _WORDS)


def _by_tls_reason(words: str) -> Classification | None:
    return BY_TLS_REASON.get(words.partition("[ssl: ")[2].partition("]")[0].upper())


# How a number is written: by Python, twice, and by Redis's clients: "Error 111 connecting to localhost:6379."
_MARKS = (("[errno ", "]"), ("[winerror ", "]"), ("error ", " connecting to "), ("error ", " while "))


def _by_number(words: str) -> Classification | None:
    """Judge by the first number that there is; asyncio puts `[Errno None]` before those of several addresses."""
    for mark, end in _MARKS:
        for part in words.split(mark, 3)[1:]:
            digits = part.partition(end)[0]
            if digits.removeprefix("-").isdecimal() and len(digits) <= 6:
                return BY_ERRNO.get(int(digits)) or BY_EAI.get(int(digits))
    return None
