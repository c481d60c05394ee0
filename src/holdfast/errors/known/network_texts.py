"""What the network did, read from the texts of errors that keep nothing else of it.

Client libraries format the operating system's, the resolver's or OpenSSL's error into a message and drop the rest, or
collect several of them in one message. The phrases are those of Linux, macOS and Windows. A failure while connecting
differs in one thing from the same failure later on: nothing can have been executed yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..attributes import read
from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification


class _Meaning(NamedTuple):
    phrases: tuple[str, ...]
    connected: Classification
    connecting: Classification


def _both(code: Code, *phrases: str, category: Category = Category.TRANSIENT, late: Code | None = None) -> _Meaning:
    """A failure that is worth another attempt; `late` is its code after the connection was made."""
    reason = f'text "{phrases[0]}"'
    return _Meaning(
        phrases,
        verdict(category, late or code, "idempotent", reason=reason),
        verdict(category, code, "always", reason=reason),
    )


def _one(meaning: Classification, *phrases: str) -> _Meaning:
    """A failure that means the same at any time."""
    told = meaning.because(f'text "{phrases[0]}"')
    return _Meaning(phrases, told, told)


# In this order: a certificate is refused "while" a handshake fails, and every TLS failure names SSL.
_MEANINGS = (
    _one(
        verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore"),
        *("certificate verify failed", "certificate_verify_failed", "self-signed certificate"),
        *("self signed certificate", "certificate has expired", "hostname mismatch", "ip address mismatch"),
        *("doesn't match either of", "alert unknown ca", "alert bad certificate", "alert certificate"),
    ),
    _both(Code.CONNECTION_CLOSED, "eof occurred in violation of protocol", "unexpected_eof", "unexpected eof"),
    _one(
        verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always"),
        *("connection refused", "actively refused", "connect call failed", "[errno 111]", "[errno 61]"),
    ),
    _one(
        verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always"),
        *("temporary failure in name resolution", "[errno -3]", "all nameservers failed to answer"),
        *("resolution lifetime expired", "dns operation timed out"),
    ),
    _one(
        verdict(Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore"),
        *("name or service not known", "nodename nor servname", "no address associated", "name does not resolve"),
        *("getaddrinfo failed", "dns query name does not exist", "[errno -2]", "[errno -5]"),
    ),
    _both(Code.CONNECTION_RESET, "connection reset", "forcibly closed", "[errno 104]", "[errno 54]"),
    _one(
        verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always"),
        *("network is unreachable", "no route to host", "host is down", "unreachable host", "unreachable network"),
    ),
    _both(Code.CONNECT_TIMEOUT, "timed out", "timeout connecting", late=Code.TIMEOUT),
    _both(
        Code.CONNECTION_CLOSED,
        *("connection closed", "connection is closed", "connection is already closed", "connection aborted"),
        *("broken pipe", "remote end closed", "closed by"),
    ),
    _one(
        verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
        *("[ssl", "wrong version number", "handshake failure", "unsupported protocol"),
    ),
)


def words_of(error: Any, longest: int = 200) -> str:
    """Return the beginning of the error's first argument in lower case, or "" if that is no text."""
    arguments = read(error, "args")
    first = arguments[0] if isinstance(arguments, tuple) and arguments else None
    return first[:longest].lower() if isinstance(first, str) else ""


def by_network_text(words: str, *, connecting: bool = False) -> Classification | None:
    """Judge by what these lower-case words say that the network did; None if they say nothing of the kind."""
    for meaning in _MEANINGS:
        if any(phrase in words for phrase in meaning.phrases):
            return meaning.connecting if connecting else meaning.connected
    return None


def by_phrase(words: str, meanings: dict[str, Classification]) -> Classification | None:
    """Return the verdict of the first phrase that these lower-case words contain."""
    for phrase, meaning in meanings.items():
        if phrase in words:
            return meaning
    return None


def phrases(rows: dict[tuple[str, ...], Classification]) -> dict[str, Classification]:
    """Spread rows with several phrases over their phrases, each of which becomes the reason."""
    return {phrase: meaning.because(f'text "{phrase}"') for row, meaning in rows.items() for phrase in row}
