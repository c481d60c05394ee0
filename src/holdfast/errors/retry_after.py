"""How long a server asks us to wait, and whether it wants us to come back at all.

The hints are read in this order; the first valid one decides.

=============================================  ==============================================================
``x-should-retry``, ``stripe-should-retry``    ``true``/``false``: whether to retry, against what the status says
``retry-after-ms``, ``x-ms-retry-after-ms``    milliseconds
``x-amz-retry-after``                          milliseconds
``retry-after``                                seconds, or an HTTP date (RFC 9110 §10.2.3)
``ratelimit``                                  ``"name";r=0;t=30``: seconds (draft-ietf-httpapi-ratelimit-headers)
``ratelimit-reset``                            seconds (older drafts of the same)
``x-ratelimit-reset``, ``x-rate-limit-reset``  seconds, or an epoch in seconds to nanoseconds; only with 0 left
``x-ratelimit-reset-requests``, ``…-tokens``   a Go duration such as ``6m0s``
``anthropic-ratelimit-…-reset``                an RFC 3339 timestamp
``grpc-retry-pushback-ms``                     milliseconds; negative: do not retry
=============================================  ==============================================================

The limits that servers report with every answer count only once they are reached: when nothing remains, or, if the
server does not say what remains, when it refused the call for its rate. Garbage is ignored, what is past is zero.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from .moments import HUGE, from_now, go_duration, http_date, number, rfc3339

_ANTHROPIC = ("requests", "tokens", "input-tokens", "output-tokens")
_OPENAI = ("requests", "tokens")
_LIMIT_HEADERS = (
    "ratelimit",
    "ratelimit-reset",
    "ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-remaining",
    "x-rate-limit-reset",
    "x-rate-limit-remaining",
    *(f"x-ratelimit-{what}-{kind}" for kind in _OPENAI for what in ("reset", "remaining")),
    *(f"anthropic-ratelimit-{kind}-{what}" for kind in _ANTHROPIC for what in ("reset", "remaining")),
)
_MILLISECONDS = ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after")
_SHOULD_RETRY = ("x-should-retry", "stripe-should-retry")

_NAMES = (*_SHOULD_RETRY, *_MILLISECONDS, "retry-after", *_LIMIT_HEADERS, "grpc-retry-pushback-ms")
_SPELLINGS: dict[Any, str] = {
    spelling: name for name in _NAMES for spelling in (name, name.encode(), name.title(), name.title().encode())
}
_FEW = 256
"""Beyond so many headers the usual spellings are asked for, instead of looking at each header."""

_LONGEST_TEXT = 1024
_PLAIN = (int, float, str)

LONGEST = 1e11
"""No wait is given as longer than this many seconds (some 3,000 years), however many digits a server sends."""


class Hint(NamedTuple):
    """What the server said: retry or not (None: nothing), and after how many seconds (None: nothing)."""

    retry: bool | None = None
    seconds: float | None = None


NO_HINT = Hint()


def find(headers: Any) -> dict[str, str]:
    """Return the headers that matter here by lower-case name.

    `headers` may be a mapping of any kind and casing, or pairs; values may be text, bytes, numbers or lists of these.
    """
    if len(headers) > _FEW and not isinstance(headers, (list, tuple)):
        return _gather((key, headers.get(key)) for key in _SPELLINGS if isinstance(key, str))
    first = list(islice(headers, _FEW))  # whatever it claims as its length
    try:
        names = "\n".join(first).lower()
    except TypeError:  # pairs, or names that are bytes
        if isinstance(headers, (list, tuple)):
            pairs = [pair for pair in first if isinstance(pair, (list, tuple)) and len(pair) == 2]
            return _gather((key, value) for key, value in pairs if _known(key))
    else:
        if "retry" not in names and "rate" not in names:
            return {}
    return _gather((key, headers[key]) for key in first if _known(key))


def _known(key: Any) -> bool:
    return isinstance(key, (str, bytes)) and key.lower() in _SPELLINGS


def _gather(pairs: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        text = _text(value)
        if text is not None:
            found.setdefault(_SPELLINGS[key.lower()], text)
    return found


def _text(value: Any) -> str | None:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else None
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[:64]).decode("latin-1")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(max(-HUGE, min(HUGE, value))) if value == value else None  # noqa: PLR0124  NaN
    return None


def read(found: dict[str, str], now: float, *, limited: bool) -> Hint:
    """Read the hint from headers that `find` gave; `limited` says that the call was refused for its rate."""
    retry = next((choice for name in _SHOULD_RETRY if (choice := _yes_or_no(found.get(name))) is not None), None)
    seconds = _waiting_time(found, now, limited)
    pushback = _number_in(found, "grpc-retry-pushback-ms")
    if pushback is not None:
        if retry is None and pushback < 0:
            retry = False
        if seconds is None and pushback >= 0:
            seconds = pushback / 1000
    return Hint(retry, _bounded(seconds))


def _number_in(found: dict[str, str], name: str) -> float | None:
    return number(found[name]) if name in found else None


def is_rate_limit(found: dict[str, str]) -> bool:
    """Whether the headers say that a refusal (a 403, say) is a rate limit: nothing remains, or a time to come back."""
    remaining = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
    return (
        "retry-after" in found
        or any(_reached(found, name, unless_said=False) for name in remaining)
        or _structured(found.get("ratelimit", ""), limited=False) is not None
    )


def seconds_of(value: Any, now: float) -> float | None:
    """Read a `.retry_after` attribute: seconds as a number or text, a timedelta, or an aware datetime."""
    if type(value) not in _PLAIN:
        from datetime import datetime, timedelta

        if isinstance(value, timedelta):
            value = timedelta.total_seconds(value)
        elif isinstance(value, datetime):
            value = datetime.timestamp(value) - now
    text = _text(value)
    if text is None:
        return None
    seconds = _seconds_or_date(text, now)
    return _bounded(seconds)


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(0.0, seconds), LONGEST)


def _yes_or_no(text: str | None) -> bool | None:
    return None if text is None else {"true": True, "false": False}.get(text.strip().lower())


def _waiting_time(found: dict[str, str], now: float, limited: bool) -> float | None:
    for name in _MILLISECONDS:
        milliseconds = _number_in(found, name)
        if milliseconds is not None:
            return milliseconds / 1000
    if "retry-after" in found:
        seconds = _seconds_or_date(found["retry-after"], now)
        if seconds is not None:
            return seconds
    return _until_reset(found, now, limited)


def _seconds_or_date(text: str, now: float) -> float | None:
    seconds = number(text)
    if seconds is None:
        date = http_date(text, now)
        seconds = None if date is None else date - now
    return seconds


def _until_reset(found: dict[str, str], now: float, limited: bool) -> float | None:
    seconds = _structured(found.get("ratelimit", ""), limited=limited)
    if seconds is None and _reached(found, "ratelimit-remaining", unless_said=limited):
        seconds = _number_in(found, "ratelimit-reset")
    for prefix in ("x-ratelimit", "x-rate-limit"):
        if seconds is None and _reached(found, f"{prefix}-remaining", unless_said=False):
            ends = _number_in(found, f"{prefix}-reset")
            seconds = None if ends is None else from_now(ends, now)
    if seconds is None:
        seconds = _longest(
            go_duration(found.get(f"x-ratelimit-reset-{kind}", ""))
            for kind in _OPENAI
            if _reached(found, f"x-ratelimit-remaining-{kind}", unless_said=limited)
        )
    if seconds is None:
        moment = _longest(
            rfc3339(found.get(f"anthropic-ratelimit-{kind}-reset", ""))
            for kind in _ANTHROPIC
            if _reached(found, f"anthropic-ratelimit-{kind}-remaining", unless_said=limited)
        )
        seconds = None if moment is None else moment - now
    return seconds


def _reached(found: dict[str, str], remaining: str, *, unless_said: bool) -> bool:
    left = _number_in(found, remaining)
    return unless_said if left is None else left <= 0


def _longest(times: Any) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _structured(text: str, *, limited: bool) -> float | None:
    """Read `"name";r=0;t=30, "other";r=5;t=60`: the longest `t` of those with nothing left.

    Also the form of drafts 4 to 7, `limit=10, remaining=0, reset=30`.
    """
    waits = []
    older: dict[str, str] = {}
    for item in text[:1024].split(","):
        parts = {name: value for name, _, value in (part.strip().partition("=") for part in item.split(";"))}
        older.update(parts)
        if _reached(parts, "r", unless_said=limited):
            waits.append(_number_in(parts, "t"))
    if _reached(older, "remaining", unless_said=limited):
        waits.append(_number_in(older, "reset"))
    return _longest(waits)
