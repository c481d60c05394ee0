"""Proxies that stood in the way: what their refusals mean, in every client library; PySocks and python-socks."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..http import STATUSES
from ..recognition import Answer, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of_connecting
from .phrases import words_of

PROXY_FAILED = verdict(Category.EXTERNAL, Code.PROXY_ERROR, "idempotent", reason="the proxy failed or refused")
_PROXY_WANTS_LOGIN = verdict(Category.CONFIGURATION, Code.PROXY_ERROR, reason="the proxy wants other credentials")

_LOGIN_WORDS = (
    "407 proxy authentication required",
    "username/password",
    "username and password",
    "authentication failed",
    "authentication methods were rejected",
)


def by_proxy_words(error: Any) -> Answer:
    """Judge a proxy's refusal: it may pass, unless it wants credentials or is itself wrongly configured."""
    words = words_of(error)
    if any(phrase in words for phrase in _LOGIN_WORDS):
        return _PROXY_WANTS_LOGIN
    spoken = spoken_of_connecting(words)
    return spoken if spoken is not None and spoken.category is Category.CONFIGURATION else PROXY_FAILED


def by_proxy_status(status: int | None) -> Answer:
    """Judge the status with which a proxy answered instead of opening a tunnel."""
    return STATUSES[status] if status in {407, 429} else PROXY_FAILED


def _by_socks_proxy(error: Any) -> Answer:
    """Judge a proxy that could not be reached; PySocks keeps the system's error as `.socket_err`."""
    spoken = spoken_of_connecting(words_of(read(error, "socket_err"))) or spoken_of_connecting(words_of(error))
    return spoken if spoken is not None and spoken.category is Category.CONFIGURATION else PROXY_FAILED


PROXIES: Table = table(
    {
        "socks:SOCKS5AuthError": _PROXY_WANTS_LOGIN,
        "socks:ProxyConnectionError": _by_socks_proxy,
        "socks:ProxyError python_socks:ProxyError": by_proxy_words,
        "python_socks:ProxyTimeoutError": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
        "python_socks:ProxyConnectionError python_socks:ProxyException python_socks:ReplyError": by_proxy_words,
    }
)
