"""How long a server asks to wait: every form of the hint, every kind of header container, and garbage."""

from __future__ import annotations

import email.message
import itertools
import math
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.errors.recorded_shapes import Bag, bearing

from holdfast.errors import Classification, ErrorClassifier

NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


def classify(error: BaseException) -> Classification:
    return ErrorClassifier(now=lambda: NOW).classify(error)


def wait(headers: Any, status: int = 503) -> float | None:
    return classify(bearing(Exception("x"), response=Bag(status_code=status, headers=headers))).retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 0.0),
        ("-3", 0.0),
        ("1e2", 100.0),
        ("9" * 400, 1e11),
        ("9" * 50, 1e11),
        ("1e999", 1e11),
        ("0" * 50, 0.0),
        ("Sun, 06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60.0),
        ("Sun Nov  6 08:50:37 1994", 60.0),
        ("06 Nov 1994 08:50:37 GMT", 60.0),
        ("Sun, 06 Nov 1994 09:50:37 +0100", 60.0),
        ("Sun, 06 Nov 1994 07:50:37 -0100", 60.0),
        ("Sun, 06 Nov 1994 08:49:30 GMT", 0.0),
        ("Wed, 21 Oct 1987 07:28:00 GMT", 0.0),
        ("Mon, 06-Nov-95 08:49:37 GMT", 365 * 86400.0),
        ("Fri, 31 Dec 9999 23:59:60 GMT", 1e11),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float) -> None:
    assert wait({"Retry-After": value}) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "soon", "nan", "inf", "-inf", "infinity", "0x10", "1_000", "٣", "7s", "1.2.3", "+", "--1", "1e", ".",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:61:37 GMT", "Sun, 06 Nov 1994 08:49:62 GMT",
        "Sun, 06 Nov 1994 08:49:xx GMT", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 Nov 1994 08:49:37 +2500",
        "Sun, 06 Nov 1994 08:49:37 *0100", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, xx Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 199x 08:49:37 GMT", "x" * 100_000, "1" * 39 + "e" * 9, "Sun",
    ],
)  # fmt: skip
def test_garbage_in_retry_after_is_ignored(value: str) -> None:
    assert wait({"Retry-After": value}) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-amz-retry-after": "3000"}, 3.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "x", "ratelimit-remaining": "0", "ratelimit-reset": "4"}, 4.0),
        ({"RateLimit": '"default";r=0;t=30'}, 30.0),
        ({"RateLimit": '"burst";r=0;t=30, "daily";r=0;t=90'}, 90.0),
        ({"RateLimit": '"burst";r=0;t=30, "daily";r=5;t=90'}, 30.0),
        ({"RateLimit": '"default";r=7;t=30'}, None),
        ({"RateLimit": "garbage;;;==,"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "12"}, 12.0),
        ({"RateLimit-Remaining": "3", "RateLimit-Reset": "12"}, None),
        ({"RateLimit-Reset": "12"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW) + 10**9)}, 1e9),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str((int(NOW) + 10**9) * 1000)}, 1e9),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str((int(NOW) + 60) * 10**6)}, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str((int(NOW) + 60) * 10**9)}, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 30}, 0.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "later"}, None),
        ({"RateLimit": "limit=10, remaining=0, reset=30"}, 30.0),
        ({"RateLimit": "limit=10, remaining=1, reset=30"}, None),
        ({"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "12"}, None),
        ({"X-RateLimit-Reset": "12"}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "15"}, 15.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "17ms"}, 0.017),
        ({"x-ratelimit-remaining-tokens": "50", "x-ratelimit-reset-tokens": "17ms"}, None),
        ({"anthropic-ratelimit-tokens-remaining": "0",
          "anthropic-ratelimit-tokens-reset": "1994-11-06T08:50:07Z"}, 30.0),
        ({"anthropic-ratelimit-tokens-remaining": "9",
          "anthropic-ratelimit-tokens-reset": "1994-11-06T08:50:07Z"}, None),
        ({"grpc-retry-pushback-ms": "700"}, 0.7),
        ({"retry-after": "2", "grpc-retry-pushback-ms": "700"}, 2.0),
    ],
)  # fmt: skip
def test_every_form_of_the_hint_is_read_in_its_order(headers: dict[str, str], seconds: float | None) -> None:
    assert wait(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"default";t=30'}, 30.0),
        ({"RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Reset": "12"}, None),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "1m30.5s"}, 90.5),
        ({"x-ratelimit-reset-requests": "whenever", "x-ratelimit-reset-tokens": "3parsecs"}, None),
        ({"x-ratelimit-reset-requests": "h" * 100}, None),
        ({"anthropic-ratelimit-requests-reset": "1994-11-06T09:49:37+01:00"}, 0.0),
        ({"anthropic-ratelimit-requests-reset": "1994-11-06T07:50:37.5-01:00"}, 60.5),
        ({"anthropic-ratelimit-requests-reset": "1994-11-06T08:50:07"}, None),
        ({"anthropic-ratelimit-requests-reset": "1994-11-06T08:50:07Z and more than that"}, None),
        ({"anthropic-ratelimit-requests-reset": "1994-11-0xT08:50:07Z"}, None),
        ({"anthropic-ratelimit-requests-reset": "tomorrow at noon, sharp"}, None),
    ],
)
def test_after_a_429_a_limit_s_reset_counts_unless_something_remains(headers: Any, seconds: float | None) -> None:
    assert wait(headers, status=429) == seconds


def test_a_negative_grpc_pushback_forbids_the_retry() -> None:
    verdict = classify(bearing(Exception("x"), status_code=503, headers=(("grpc-retry-pushback-ms", "-1"),)))
    assert (verdict.retryable, verdict.retry_scope, verdict.retry_after) == (False, "never", None)


def test_the_server_s_yes_outranks_a_pushback() -> None:
    verdict = classify(bearing(Exception("x"), status_code=503, headers={"grpc-retry-pushback-ms": "-1",
                                                                         "x-should-retry": "true"}))  # fmt: skip
    assert verdict.retryable


def test_the_hint_is_read_whatever_the_verdict() -> None:
    assert wait({"Retry-After": "7"}, status=413) == 7.0
    unknown = bearing(Exception("x"), headers={"Retry-After": "7"})
    assert (classify(unknown).category, classify(unknown).retry_after) == ("UNKNOWN", 7.0)


# -- the error's own attribute ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (7, 7.0),
        (1.5, 1.5),
        ("7", 7.0),
        (timedelta(minutes=1), 60.0),
        (datetime.fromtimestamp(NOW + 60, tz=UTC), 60.0),
        (-1, 0.0),
        pytest.param(10**5000, 1e11, id="5000 digits"),
        (math.inf, 1e11),
        (math.nan, None),
        (True, None),
        (None, None),
        (lambda: 7, None),
        (b"7", 7.0),
        (bytearray(b"7"), 7.0),
        ([7], 7.0),
        ([], None),
        (timedelta(days=-1), 0.0),
    ],
)
def test_a_retry_after_attribute_is_read_as_number_timedelta_or_moment(value: Any, seconds: float | None) -> None:
    assert classify(bearing(TimeoutError("x"), retry_after=value)).retry_after == seconds


def test_headers_outrank_the_attribute_and_garbage_in_them_does_not() -> None:
    assert classify(bearing(Exception("x"), headers={"retry-after": "3"}, retry_after=9)).retry_after == 3.0
    assert classify(bearing(Exception("x"), headers={"retry-after": "?"}, retry_after=9)).retry_after == 9.0


def test_only_durations_and_moments_are_asked_for_their_seconds() -> None:
    asked: list[str] = []

    class Odd:
        def total_seconds(self) -> float:
            asked.append("total_seconds")
            return 7.0

    assert classify(bearing(TimeoutError("x"), retry_after=Odd())).retry_after is None
    assert asked == []


def test_a_moment_that_cannot_be_reckoned_is_ignored() -> None:
    assert classify(bearing(TimeoutError("x"), retry_after=datetime.min)).retry_after is None  # noqa: DTZ901


def test_of_an_endless_text_only_the_beginning_is_read() -> None:
    assert classify(bearing(TimeoutError("x"), retry_after="7" + " " * 10_000_000)).retry_after == 7.0
    assert classify(bearing(TimeoutError("x"), retry_after=" " * 10_000_000 + "7")).retry_after is None


def test_headers_that_never_end_are_looked_at_only_so_far() -> None:
    class Endless:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Iterator[str]:
            return itertools.repeat("retry-after")

        def __getitem__(self, name: str) -> str:
            return "3"

    assert classify(bearing(TimeoutError("x"), headers=Endless())).retry_after == 3.0


# -- header containers --------------------------------------------------------------------------------------


class CaseInsensitive(Mapping[str, str]):
    """As in requests, httpx and multidict: any casing finds the header, iteration gives the names as sent."""

    def __init__(self, **headers: str) -> None:
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return {key.lower(): value for key, value in self._headers.items()}[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


def message(**headers: str) -> email.message.Message:
    made = email.message.Message()
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    return made


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "7"},
        {"retry-after": "7"},
        {"RETRY-AFTER": "7"},
        {"rEtRy-aFtEr": "7"},
        {"retry-after": b"7"},
        {"retry-after": ["7", "9"]},
        {"retry-after": ("7",)},
        {"retry-after": 7},
        {"retry-after": 7.0},
        {b"retry-after": b"7"},
        {b"RETRY-AFTER": b"7"},
        message(Retry_After="7"),
        CaseInsensitive(retry_after="7"),
        CaseInsensitive(RETRY_After="7"),
        [("Retry-After", "7")],
        [(b"retry-after", b"7"), "odd", (1, 2), ("a", "b", "c")],
        (("content-type", "text/plain"), ("retry-after", "7")),
        {f"x-header-{number}": "x" for number in range(5000)} | {"Retry-After": "7"},
        {f"x-header-{number}": "x" for number in range(200)} | {"RETRY-after": "7"},
        {1: "x", "retry-after": "7"},
    ],
)
def test_the_hint_is_found_in_every_kind_of_header_container(headers: Any) -> None:
    assert wait(headers) == 7.0


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": None}, {"retry-after": []}, {"retry-after": object()}, {"retry-after": math.nan}, 17, "retry-after",
     object(), {"x-retry-count": "7"}, [], {}, None],
)  # fmt: skip
def test_a_container_without_a_readable_hint_leaves_the_verdict_as_it_is(headers: Any) -> None:
    verdict = classify(bearing(Exception("x"), status_code=503, headers=headers))
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_UNAVAILABLE", None)


def test_a_big_container_is_asked_for_a_few_names_and_not_read_through() -> None:
    class Big(dict[str, str]):
        def __iter__(self) -> Iterator[str]:
            raise AssertionError("read through")

    assert wait(Big({f"x-{number}": "x" for number in range(10_000)}, **{"Retry-After": "7"})) == 7.0


def test_a_container_that_raises_is_ignored() -> None:
    class Broken(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            raise RuntimeError("closed")

    verdict = classify(bearing(Exception("x"), status_code=503, headers=Broken({"retry-after": "7"})))
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_UNAVAILABLE", None)


def test_the_response_s_headers_are_read_before_the_error_s_own() -> None:
    error = bearing(Exception("x"), response=Bag(status_code=503, headers={"retry-after": "3"}))
    assert classify(bearing(error, headers={"retry-after": "9"})).retry_after == 3.0


def test_a_response_that_is_the_dict_of_its_headers_is_read_too() -> None:
    assert classify(bearing(Exception("x"), resp={"status": "429", "retry-after": "7"})).retry_after == 7.0


# -- the clock ----------------------------------------------------------------------------------------------


def test_dates_are_read_by_the_wall_clock_unless_another_is_given() -> None:
    soon = datetime.fromtimestamp(time.time() + 3600, tz=UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    seconds = ErrorClassifier().classify(bearing(Exception("x"), headers={"retry-after": soon})).retry_after
    assert seconds is not None
    assert 3500 < seconds <= 3600


def test_a_clock_that_raises_costs_the_hint_and_nothing_else() -> None:
    def broken() -> float:
        raise OSError

    classifier = ErrorClassifier(now=broken)
    verdict = classifier.classify(bearing(Exception("x"), status_code=503, headers={"retry-after": "7"}))
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_UNAVAILABLE", None)
    assert classifier.classify(bearing(TimeoutError(), retry_after=7)).retry_after is None


# -- anything at all ----------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["retry-after", "retry-after-ms", "ratelimit", "ratelimit-reset", "ratelimit-remaining", "x-ratelimit-reset",
     "x-ratelimit-remaining", "x-ratelimit-reset-tokens", "anthropic-ratelimit-tokens-reset", "x-should-retry",
     "grpc-retry-pushback-ms"]
)  # fmt: skip
PIECES = st.sampled_from(
    ["0", "7", "-3", "1e9", "9" * 30, ".", "nan", "inf", "٣", "５", "_", ":", ";", ",", "=", " ", "\x00", "é", "r=0", "t=3",
     "Sun", "06", "Nov", "1994", "08:49:37", "GMT", "+0100", "T", "Z", "h", "ms", "true", "false", "1994-11-06"]
)  # fmt: skip
VALUES = st.one_of(
    st.lists(PIECES, max_size=8).map("".join),
    st.lists(PIECES, max_size=8).map(" ".join),
    st.binary(max_size=30),
    st.integers(),
    st.floats(),
    st.none(),
    st.lists(PIECES, max_size=3),
)


@given(headers=st.dictionaries(NAMES, VALUES), status=st.integers(0, 1000))
def test_no_header_whatever_breaks_the_verdict_or_gives_an_impossible_wait(
    headers: dict[str, Any], status: int
) -> None:
    seconds = wait(headers, status)
    assert seconds is None or (0 <= seconds < math.inf)


@given(seconds=st.integers(0, 4 * 10**9))
def test_every_date_of_the_next_hundred_years_is_read_exactly(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    headers = {"retry-after": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    assert wait(headers) == max(0.0, seconds - NOW)
    stamp = {"anthropic-ratelimit-tokens-reset": moment.isoformat()}
    assert wait(stamp, status=429) == max(0.0, seconds - NOW)
