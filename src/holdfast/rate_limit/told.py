"""What a server says of its limits with its answers: when to come back, and how much is left until when."""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    Said: TypeAlias = tuple[float | None, list[tuple[int, float]]]
    """Seconds for which to stay away, None if unsaid; and how many calls may be made in how many seconds, each time."""

_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_IMPLAUSIBLE = 10 * 365 * 86400.0
"""Nobody is to stay away for so long; it is another unit, or a joke."""

_MOST = 10**15
_MANY = 16


def read_headers(headers: Any, now: float, *, limited: bool) -> Said:
    """Read the headers of an answer; `now` is the wall clock's time, `limited`: it refused a call for its rate.

    Whatever cannot be read is ignored.
    """
    from ..errors import retry_after

    try:
        found = retry_after.find(headers)
        pause = _plausible(retry_after.read(found, now, limited=limited).seconds)
        said = _said(found, now)
    except Exception:  # headers of whatever kind, whose methods may do anything
        return None, []
    return pause, said


def read_seconds(value: Any, now: float) -> float | None:
    """Read a `Retry-After`: seconds, as a number or text, a date, a `timedelta`; None if it is none of these."""
    from ..errors import retry_after

    try:
        return _plausible(retry_after.seconds_of(value, now))
    except Exception:
        return None


def _plausible(pause: float | None) -> float | None:
    return pause if pause is not None and pause < _IMPLAUSIBLE else None


def _said(found: Mapping[str, str], now: float) -> list[tuple[int, float]]:
    """Return how many calls are left, and for how many seconds, of each limit that the server tells of."""
    from ..errors.moments import from_now, number

    pairs = [(found.get(f"{prefix}-remaining", ""), found.get(f"{prefix}-reset", "")) for prefix in _PREFIXES]
    older: dict[str, str] = {}
    for item in found.get("ratelimit", "")[:1024].split(",")[:_MANY]:
        parts = {name: value for name, _, value in (part.strip().partition("=") for part in item.split(";"))}
        pairs.append((parts.get("r", ""), parts.get("t", "")))
        older.update(parts)
    pairs.append((older.get("remaining", ""), older.get("reset", "")))
    said = []
    for remaining, reset in pairs:
        left, ends = number(remaining), number(reset)
        if left is not None and ends is not None and left >= 0:
            said.append((int(min(left, _MOST)), from_now(ends, now)))
    return [(left, period) for left, period in said if 0 < period < _IMPLAUSIBLE]
