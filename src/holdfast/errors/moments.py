"""Reading times as servers write them: numbers, HTTP dates, RFC 3339 timestamps, durations such as `6m0s`.

Written out here because `email.utils`, `datetime` and `re` would have to be imported in the middle of a failure, which
takes milliseconds and fails when the process has run out of file handles. Each function answers None for garbage.
"""

from __future__ import annotations

HUGE = 1e300
"""What stands for a number with more digits than a float can hold."""

_NUMBER = frozenset("0123456789.+-eE")
_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)  # noqa: SIM905
}
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ZONES = frozenset({"gmt", "utc", "ut", "z"})
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}

_EPOCH = 1e9
# Moments since 1970 below these numbers are in seconds, milliseconds, microseconds, nanoseconds.
_EPOCHS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (1e20, 1e-9))


def from_now(value: float, now: float) -> float:
    """Read a number that is either a delay in seconds or, if it is that large, a moment since 1970 in whatever unit.

    >>> from_now(30, 1_800_000_000), from_now(1_800_000_030, 1_800_000_000), from_now(1_800_000_030_000, 1_800_000_000)
    (30, 30.0, 30.0)
    """
    if value < _EPOCH:
        return value
    return next((value * unit - now for below, unit in _EPOCHS if value < below), 0.0)


def number(text: str) -> float | None:
    """Read a decimal number, however many digits it has; words such as "inf" and "nan" are none.

    >>> number(" 1.5 "), number("1_000"), number("soon")
    (1.5, None, None)
    """
    text = text.strip()
    if not text.isascii():
        return None
    if len(text) > 40 and text.isdigit():
        return HUGE if text.strip("0") else 0.0
    if not text or len(text) > 40 or not _NUMBER.issuperset(text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return max(-HUGE, min(HUGE, value))


def http_date(text: str, now: float) -> float | None:
    """Read a date in any of the three forms of RFC 9110 §5.6.7 as seconds since 1970; `now` settles two-digit years.

    >>> http_date("Sun, 06 Nov 1994 08:49:37 GMT", 0)
    784111777.0
    >>> http_date("Sunday, 06-Nov-94 08:49:37 GMT", 0) == http_date("Sun Nov  6 08:49:37 1994", 0)
    True
    """
    if len(text) > 64:
        return None
    words = text.lower().replace(",", " ").split()
    if words and words[0][:3].isalpha() and words[0][:3] not in _MONTHS:
        del words[0]  # the weekday is not needed to know the day
    if words and words[0].count("-") == 2:
        words[:1] = words[0].split("-")
    offset = _zone(words.pop()) if len(words) == 5 else 0
    if len(words) != 4 or offset is None:
        return None
    if words[0] in _MONTHS:  # asctime: Nov 6 08:49:37 1994
        words = [words[1], words[0], words[3], words[2]]
    day, month, year = _digits(words[0]), _MONTHS.get(words[1][:3]), _digits(words[2])
    if day is None or month is None or year is None:
        return None
    if len(words[2]) == 2:
        year += 1900 + 100 * ((_year_of(now) + 50 - 1900 - year) // 100)
    return _instant(year, month, day, words[3], offset)


def rfc3339(text: str) -> float | None:
    """Read a timestamp such as `2026-01-01T00:00:00Z` as seconds since 1970.

    >>> rfc3339("1970-01-02T01:00:00.5+01:00")
    86400.5
    """
    text = text.strip().upper()
    if not 19 <= len(text) <= 40 or text[10] not in "T " or text[4] + text[7] != "--":
        return None
    clock, sign = text[11:], ""
    for mark in "Z+-":
        if mark in clock:
            clock, sign, zone = clock.partition(mark)
            break
    else:
        return None
    offset = 0 if sign == "Z" and not zone else _zone(sign + zone.replace(":", ""))
    year, month, day = _digits(text[:4]), _digits(text[5:7]), _digits(text[8:10])
    if year is None or month is None or day is None or offset is None:
        return None
    return _instant(year, month, day, clock, offset)


def go_duration(text: str) -> float | None:
    """Read a duration as Go writes it, in seconds.

    >>> go_duration("6m0s"), go_duration("17ms"), go_duration("1h2m3.5s"), go_duration("17")
    (360.0, 0.017, 3723.5, None)
    """
    text = text.strip()
    if not text or len(text) > 64:
        return None
    total, at = 0.0, 0
    while at < len(text):
        start = at
        while at < len(text) and text[at] in "0123456789.":
            at += 1
        amount = number(text[start:at])
        start = at
        while at < len(text) and text[at].isalpha():
            at += 1
        unit = _UNITS.get(text[start:at])
        if amount is None or unit is None:
            return None
        total += amount * unit
    return total


def _digits(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else None


def _zone(text: str) -> int | None:
    """Read a zone as seconds east of Greenwich."""
    if text in _ZONES:
        return 0
    hours, minutes = _digits(text[1:3]), _digits(text[3:])
    if len(text) != 5 or text[0] not in "+-" or hours is None or minutes is None or hours > 23 or minutes > 59:
        return None
    return (hours * 3600 + minutes * 60) * (-1 if text[0] == "-" else 1)


def _instant(year: int, month: int, day: int, clock: str, offset: int) -> float | None:
    parts = clock.split(":")
    if len(parts) != 3:
        return None
    hour, minute, second = _digits(parts[0]), _digits(parts[1]), number(parts[2])
    if hour is None or minute is None or second is None or hour > 23 or minute > 59 or not 0 <= second < 61:
        return None
    if not (1 <= month <= 12 and 1 <= day <= _DAYS_IN_MONTH[month - 1] and year >= 1):
        return None
    return _days(year, month, day) * 86400.0 + hour * 3600 + minute * 60 + second - offset


def _days(year: int, month: int, day: int) -> int:
    """Return the days since 1970-01-01 in the Gregorian calendar; years are counted from March, the leap day last."""
    if month <= 2:
        year, month = year - 1, month + 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469


def _year_of(now: float) -> int:
    return 1970 + int(now // 31556952)  # the mean Gregorian year; a day's error at New Year does not matter here
