"""Times as servers write them, form by form and up to the edges of each; an answer is exact or None."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

import pytest

from holdfast.errors.moments import HUGE, from_now, go_duration, http_date, number, rfc3339

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (30, 30),
        (-5, -5),
        (1e9 - 1, 1e9 - 1),
        (1e9, 1e9 - NOW),
        (1e11 - 1024, 1e11 - 1024 - NOW),
        (1e11, 1e8 - NOW),
        (1.5e14, 1.5e8 - NOW),
        (1e14, 1e8 - NOW),
        (1.5e17, 1.5e8 - NOW),
        (1e17, 1e8 - NOW),
        (1e20, 0.0),
        (1e300, 0.0),
    ],
)
def test_a_number_is_a_delay_or_a_moment_in_the_unit_of_its_size(value: float, seconds: float) -> None:
    assert from_now(value, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (" 1.5 ", 1.5),
        ("-2", -2.0),
        ("+2e3", 2000.0),
        ("1E3", 1000.0),
        ("1e309", HUGE),
        ("-1e309", -HUGE),
        ("1" * 40, float("1" * 40)),
        ("1" * 41, HUGE),
        ("0" * 41, 0.0),
        ("0" * 40 + "1", HUGE),
        ("1." + "0" * 38, 1.0),
        ("1." + "0" * 39, None),
        ("", None),
        (" ", None),
        ("inf", None),
        ("nan", None),
        ("1_000", None),
        ("1,5", None),
        ("--1", None),
        ("e", None),
        ("٣", None),
        ("٣" * 41, None),
    ],
)
def test_a_number_is_decimal_and_as_long_as_it_likes(text: str, value: float | None) -> None:
    assert number(text) == value


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("sun, 06 nov 1994 08:49:37 gmt", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("06 November 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37 UTC", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37 UT", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37 Z", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37 +0130", at(1994, 11, 6, 7, 19, 37)),
        ("06 Nov 1994 08:49:37 -0130", at(1994, 11, 6, 10, 19, 37)),
        ("06 Nov 1994 08:49:37 +2359", at(1994, 11, 5, 8, 50, 37)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("06-Nov-1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("Sun Nov  6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)),
        ("Nov 6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)),
        ("06 Nov 1994 08:49:37.25 GMT", at(1994, 11, 6, 8, 49, 37) + 0.25),
        ("06 Nov 1994 08:49:60 GMT", at(1994, 11, 6, 8, 50, 0)),
        ("06 Nov 1994 00:00:00 GMT", at(1994, 11, 6)),
        ("06 Nov 1994 23:59:59 GMT", at(1994, 11, 6, 23, 59, 59)),
        ("29 Feb 2024 00:00:00 GMT", at(2024, 2, 29)),
        ("31 Dec 9999 00:00:00 GMT", at(9999, 12, 31)),
        ("Sun,06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("Sun. 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("01 Jan 0001 00:00:00 GMT", calendar.timegm((1, 1, 1, 0, 0, 0))),
        ("06 Nov 1994 24:00:00 GMT", None),
        ("06 Nov 1994 08:60:00 GMT", None),
        ("06 Nov 1994 08:49:61 GMT", None),
        ("06 Nov 1994 08:49:-1 GMT", None),
        ("06 Nov 1994 08:49 GMT", None),
        ("06 Nov 1994 08:49:37:00 GMT", None),
        ("06 Nov 1994 x:49:37 GMT", None),
        ("06 Nov 1994 08:x:37 GMT", None),
        ("06 Nov 1994 08:49:x GMT", None),
        ("00 Nov 1994 08:49:37 GMT", None),
        ("31 Nov 1994 08:49:37 GMT", None),
        ("30 Feb 2024 08:49:37 GMT", None),
        ("06 Nov 0000 08:49:37 GMT", None),
        ("06 Nov 19945 08:49:37 GMT", None),
        ("x Nov 1994 08:49:37 GMT", None),
        ("06 Nox 1994 08:49:37 GMT", None),
        ("06 Nov x 08:49:37 GMT", None),
        ("06 Nov 1994 08:49:37 CET", None),
        ("06 Nov 1994 08:49:37 +01:30", None),
        ("06 Nov 1994 08:49:37 +01300", None),
        ("06 Nov 1994 08:49:37 +2400", None),
        ("06 Nov 1994 08:49:37 +0160", None),
        ("06 Nov 1994 08:49:37 *0130", None),
        ("06 Nov 1994 08:49:37 +x130", None),
        ("06 Nov 1994 08:49:37 +01x0", None),
        ("06 Nov 1994 08:49:37 GMT GMT", None),
        ("06 Nov 1994", None),
        ("Sun", None),
        ("", None),
        ("6" + " " * 43 + "Nov 1994 08:49:37 GM", None),
        ("6" + " " * 42 + "Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("6" + " " * 43 + "Nov 1994 08:49:37 GMT", None),
    ],
)
def test_dates_of_http_are_read_in_their_three_forms(text: str, moment: float | None) -> None:
    assert http_date(text, NOW) == moment


@pytest.mark.parametrize("year", [1, 4, 1900, 1970, 1999, 2000, 2023, 2024, 2100, 2400])
def test_every_month_of_a_year_begins_when_it_does(year: int) -> None:
    for month, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1):
        for day in (1, 28):
            moment = calendar.timegm((year, month, day, 0, 0, 0))
            assert http_date(f"{day} {name} {year:04} 00:00:00 GMT", NOW) == moment
            assert rfc3339(f"{year:04}-{month:02}-{day:02}T00:00:00Z") == moment


@pytest.mark.parametrize(
    ("year", "two", "full"),
    [(2026, 26, 2026), (2026, 76, 2076), (2026, 77, 1977), (2026, 0, 2000), (1999, 49, 2049), (1999, 50, 1950)],
)
def test_two_digits_are_the_year_that_is_at_most_fifty_ahead(year: int, two: int, full: int) -> None:
    assert http_date(f"Sunday, 06-Nov-{two:02} 08:49:37 GMT", at(year, 7, 1)) == at(full, 11, 6, 8, 49, 37)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-02T03:04:05Z", at(2026, 1, 2, 3, 4, 5)),
        (" 2026-01-02t03:04:05z ", at(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02 03:04:05Z", at(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05.5Z", at(2026, 1, 2, 3, 4, 5) + 0.5),
        ("2026-01-02T03:04:05+01:30", at(2026, 1, 2, 1, 34, 5)),
        ("2026-01-02T03:04:05-01:30", at(2026, 1, 2, 4, 34, 5)),
        ("2026-01-02T03:04:05+0130", at(2026, 1, 2, 1, 34, 5)),
        ("2026-01-02T03:04:05.1234567890123456789Z", pytest.approx(at(2026, 1, 2, 3, 4, 5) + 0.123456789)),
        ("2026-01-02T03:04:05.12345678901234567890Z", None),
        ("2026-01-02T03:04:05", None),
        ("2026-01-02T03:04:5Z", at(2026, 1, 2, 3, 4, 5)),
        ("2026-01-02T03:4:5Z", None),
        ("2026-01-02x03:04:05Z", None),
        ("2026x01-02T03:04:05Z", None),
        ("2026-01x02T03:04:05Z", None),
        ("202x-01-02T03:04:05Z", None),
        ("2026-0x-02T03:04:05Z", None),
        ("2026-01-0xT03:04:05Z", None),
        ("2026-13-02T03:04:05Z", None),
        ("2026-00-02T03:04:05Z", None),
        ("2026-12-02T03:04:05Z", at(2026, 12, 2, 3, 4, 5)),
        ("2026-01-02T03:04:05ZZ", None),
        ("2026-01-02T03:04:05Z+01:00", None),
        ("2026-01-02T03:04:05+25:00", None),
        ("2026-01-02T03:04:05+", None),
    ],
)
def test_timestamps_are_read_with_their_zone(text: str, moment: float | None) -> None:
    assert rfc3339(text) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        (" 17ms ", 0.017),
        ("1h2m3.5s", 3723.5),
        ("5us", 5e-6),
        ("5µs", 5e-6),
        ("5μs", 5e-6),
        ("5ns", 5e-9),
        ("1s1s", 2.0),
        (".5s", 0.5),
        ("9s", 9.0),
        ("0s", 0.0),
        ("0" * 39 + "1s", 1.0),
        ("1s" * 32, 32.0),
        ("1s" * 33, None),
        ("1s" * 31 + "11s", None),
        ("17", None),
        ("s", None),
        ("", None),
        ("1d", None),
        ("1 s", None),
        ("-1s", None),
        ("1.5.5s", None),
        ("1m!", None),
    ],
)
def test_durations_are_read_part_by_part(text: str, seconds: float | None) -> None:
    assert go_duration(text) == (None if seconds is None else pytest.approx(seconds))
