"""pymemcache: what memcached refused, and replies that are none."""

from __future__ import annotations

from typing import Any

from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .phrases import by_phrase, phrases, words_of

_BAD_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_SERVER_SAYS = phrases(
    {
        ("too large",): verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success"),
        ("out of memory",): verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "always", "ignore"),
    }
)
_SERVER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="memcached failed")
_ALL_DOWN = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always", reason="all memcached servers are down")
_SOMETHING_FAILED = Otherwise(verdict(Category.EXTERNAL, Code.SERVER_ERROR, reason="the client gives no more detail"))


def _by_server_message(error: Any) -> Answer:
    return by_phrase(words_of(error), _SERVER_SAYS) or _SERVER_FAILED  # the server's words are bytes here


def _by_base_message(error: Any) -> Answer:
    return _ALL_DOWN if "servers seem to be down" in words_of(error) else _SOMETHING_FAILED


MEMCACHED: Table = table(
    {
        "pymemcache:MemcacheError": _by_base_message,
        "pymemcache:MemcacheClientError": _BAD_REQUEST,
        "pymemcache:MemcacheIllegalInputError": verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore"),
        "pymemcache:MemcacheServerError": _by_server_message,
        "pymemcache:MemcacheUnknownError": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect"),
        "pymemcache:MemcacheUnexpectedCloseError": verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent"),
    }
)
