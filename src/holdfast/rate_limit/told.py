"""What a server says of its limits with its answers: when to come back, and how much is left until when."""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    Word: TypeAlias = tuple[float | None, tuple[int, float] | None]
    """Seconds for which to stay away, and how many calls may be made in how many seconds; each None if unsaid."""

_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_EPOCH = 1e9
_EPOCH_MILLISECONDS = 1e12
_MOST = 10**15


def read_headers(headers: Any, now: float, *, limited: bool) -> Word:
    """Read the headers of an answer; `now` is the wall clock's time, `limited`: it refused a call for its rate.

    Whatever cannot be read is ignored.
    """
    from ..errors import retry_after

    try:
        found = retry_after.find(headers)
        pause = retry_after.read(found, now, limited=limited).seconds
        quota = _quota(found, now)
    except Exception:  # headers of whatever kind, whose methods may do anything
        return None, None
    return pause, quota


def read_seconds(value: Any, now: float) -> float | None:
    """Read a `Retry-After`: seconds, as a number or text, a date, a `timedelta`; None if it is none of these."""
    from ..errors import retry_after

    try:
        return retry_after.seconds_of(value, now)
    except Exception:
        return None


def _quota(found: Mapping[str, str], now: float) -> tuple[int, float] | None:
    """Return how many calls are left, and for how many seconds; of several limits, the one that lets least pass."""
    from ..errors.moments import number

    quotas = []
    for prefix in _PREFIXES:
        left, ends = number(found.get(f"{prefix}-remaining", "")), number(found.get(f"{prefix}-reset", ""))
        if left is not None and ends is not None:
            quotas.append((left, ends))
    for item in found.get("ratelimit", "")[:1024].split(","):
        parts = {name: value for name, _, value in (part.strip().partition("=") for part in item.split(";"))}
        left, ends = number(parts.get("r", "")), number(parts.get("t", ""))
        if left is not None and ends is not None:
            quotas.append((left, ends))
    usable = [
        (int(min(left, _MOST)), seconds) for left, ends in quotas if left >= 0 and (seconds := _from_now(ends, now)) > 0
    ]
    return min(usable, default=None)


def _from_now(ends: float, now: float) -> float:
    if ends < _EPOCH:
        return ends
    return (ends / 1000 if ends > _EPOCH_MILLISECONDS else ends) - now
