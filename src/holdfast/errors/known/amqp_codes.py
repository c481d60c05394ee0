"""AMQP 0-9-1: what each reply code means, and what RabbitMQ's text beside it adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..json_rpc import is_whole
from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_PROTOCOL_BROKEN = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NO_SUCH_VHOST = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore")
_AT_THE_LIMIT = verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "reconnect", "ignore")
_ACKNOWLEDGED_TOO_LATE = verdict(Category.TRANSIENT, Code.TIMEOUT, "reconnect", "ignore")
_VHOST_DOWN = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect")

_NAMED: dict[tuple[int, str], Classification] = {
    (200, "REPLY_SUCCESS"): _CLOSED,
    (311, "CONTENT_TOO_LARGE"): _TOO_LARGE,
    (312, "NO_ROUTE"): verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore"),
    (313, "NO_CONSUMERS"): verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always"),
    (320, "CONNECTION_FORCED"): _CLOSED,  # an operator's doing, or the broker shuts down
    (402, "INVALID_PATH"): _NO_SUCH_VHOST,
    (403, "ACCESS_REFUSED"): _FORBIDDEN,
    (404, "NOT_FOUND"): verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    (405, "RESOURCE_LOCKED"): verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "reconnect", "ignore"),
    # A queue or exchange exists with other properties than those declared.
    (406, "PRECONDITION_FAILED"): verdict(Category.CONFIGURATION, Code.PRECONDITION_FAILED, "never", "success"),
    (501, "FRAME_ERROR"): _PROTOCOL_BROKEN,
    (502, "SYNTAX_ERROR"): _PROTOCOL_BROKEN,
    (503, "COMMAND_INVALID"): _PROTOCOL_BROKEN,
    (504, "CHANNEL_ERROR"): _PROTOCOL_BROKEN,
    (505, "UNEXPECTED_FRAME"): _PROTOCOL_BROKEN,
    (506, "RESOURCE_ERROR"): _AT_THE_LIMIT,
    (530, "NOT_ALLOWED"): _FORBIDDEN,
    (540, "NOT_IMPLEMENTED"): verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success"),
    (541, "INTERNAL_ERROR"): verdict(Category.EXTERNAL, Code.SERVER_ERROR, "reconnect"),
}
AMQP_CODES: dict[int, Classification] = {
    number: meaning.because(f"AMQP reply {number} {name}") for (number, name), meaning in _NAMED.items()
}
"""The verdict on each reply code, whatever the text."""

# What RabbitMQ says beside a code that stands for several things, in lower case.
_TEXTS: dict[int, dict[str, Classification]] = {
    403: {
        "login was refused": _NOT_LET_IN,
        "authentication": _NOT_LET_IN,
    },
    406: {
        "acknowledgement on channel": _ACKNOWLEDGED_TOO_LATE,  # "delivery acknowledgement on channel 1 timed out"
        "unknown delivery tag": _MISUSE,
        "larger than": _TOO_LARGE,  # "message size 2 is larger than configured max size 1"
    },
    530: {
        "limit": _AT_THE_LIMIT,  # of connections to a node, a virtual host or of a user, or of channels
        "not found": _NO_SUCH_VHOST,
        "is down": _VHOST_DOWN,
        "consumer tag": _MISUSE,  # "attempt to reuse consumer tag"
    },
    541: {
        "is down": _VHOST_DOWN,
    },
}
_BY_TEXT: dict[int, dict[str, Classification]] = {
    number: {words: meaning.because(f"AMQP reply {number}: {words}") for words, meaning in texts.items()}
    for number, texts in _TEXTS.items()
}


def by_reply(number: Any, text: Any = None) -> Classification | None:
    """Judge a reply code and the text beside it; None for a code that AMQP does not know."""
    if not is_whole(number):
        return None
    if number in _BY_TEXT and isinstance(text, str):
        said = text[:300].lower()
        for words, meaning in _BY_TEXT[number].items():
            if words in said:
                return meaning
    return AMQP_CODES.get(number)
