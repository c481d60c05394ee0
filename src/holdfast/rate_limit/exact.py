"""Comparisons of times and amounts that are right to the last bit, so that a limit is never exceeded by a rounding.

Floats are exact numbers; what rounds are sums, differences and products of them. Each question here is first answered
with floats, which is quick, and where their rounding could decide the answer, with whole numbers, which do not round.
"""

from __future__ import annotations

_ROUNDING = 2.0**-50
"""The share by which a difference times a rate may be wrong, with room to spare."""

_MOST = 1e300


def passed(since: float, now: float, period: float) -> bool:
    """Whether at least `period` seconds lie between the two moments.

    >>> passed(0.0, 1.0, 1.0), passed(0.1, 1.1, 1.0), passed(0.1, 0.1 + 0.9, 1.0)
    (True, True, False)
    """
    apart = now - since
    if apart != period:  # rounding keeps the order, so only where it gives the period itself, it may deceive
        return apart > period
    from math import fsum

    return fsum((now, -since, -period)) >= 0


def end_of(since: float, period: float) -> float:
    """Return a moment at which `period` seconds have passed, the first one that a float can tell, or the next."""
    at = since + period
    while not passed(since, at, period):
        at = _next(at, since)
    return at


def gained(rate: float, since: float, now: float) -> int:
    """Return how many whole tokens come in between the two moments, at `rate` tokens per second; 0 if time goes back.

    >>> gained(10.0, 0.0, 0.25), gained(10.0, 0.0, 0.3), gained(3.0, 0.0, 1 / 3), gained(1.0, 5.0, 4.0)
    (2, 2, 0, 0)
    """
    tokens = min(rate * (now - since), _MOST)
    if tokens <= 0:
        return 0
    slack = tokens * _ROUNDING
    whole = int(tokens + slack)
    if int(tokens - slack) == whole or now > _MOST:
        return whole
    (rate_up, rate_down), (now_up, now_down), (since_up, since_down) = (
        number.as_integer_ratio() for number in (rate, now, since)
    )
    return rate_up * (now_up * since_down - since_up * now_down) // (rate_down * now_down * since_down)


def time_of(rate: float, since: float, tokens: int) -> float:
    """Return a moment by which so many tokens have come in since then."""
    at = since + tokens / rate
    while gained(rate, since, at) < tokens:
        at = _next(at, since)
    return at


def _next(at: float, since: float) -> float:
    """Return a later moment that makes a difference, also near zero of a clock that began far below."""
    from math import ulp

    return max(later(at), at + ulp(since))


def later(at: float) -> float:
    """Return the next moment that a float can tell."""
    from math import inf, nextafter

    return nextafter(at, inf)
