"""A server's hints by themselves: how they are found among headers, and how each is read."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.errors import retry_after
from holdfast.errors.retry_after import Hint

NOW = 1_800_000_000.0


def test_headers_of_a_limit_say_that_a_refusal_was_one() -> None:
    for found, limited in (
        ({}, False),
        ({"retry-after": "x"}, True),
        ({"ratelimit-remaining": "0"}, True),
        ({"x-ratelimit-remaining": "0"}, True),
        ({"x-rate-limit-remaining": "-1"}, True),
        ({"ratelimit-remaining": "1"}, False),
        ({"ratelimit-remaining": "x"}, False),
        ({"ratelimit": '"d";r=0;t=3'}, True),
        ({"ratelimit": '"d";r=1;t=3'}, False),
        ({"ratelimit": '"d";t=3'}, False),
    ):
        assert retry_after.is_rate_limit(found) is limited


@pytest.mark.parametrize(
    ("found", "limited", "hint"),
    [
        ({"x-should-retry": "TRUE "}, False, Hint(True, None)),
        ({"x-should-retry": "x", "stripe-should-retry": "false"}, False, Hint(False, None)),
        ({"grpc-retry-pushback-ms": "0"}, False, Hint(None, 0.0)),
        ({"grpc-retry-pushback-ms": "1500"}, False, Hint(None, 1.5)),
        ({"grpc-retry-pushback-ms": "-1"}, False, Hint(False, None)),
        ({"grpc-retry-pushback-ms": "-1", "x-should-retry": "true"}, False, Hint(True, None)),
        ({"grpc-retry-pushback-ms": "1500", "retry-after": "3"}, False, Hint(None, 3.0)),
        ({"retry-after-ms": "x", "x-ms-retry-after-ms": "1500"}, False, Hint(None, 1.5)),
        ({"x-amz-retry-after": "1500", "retry-after": "3"}, False, Hint(None, 1.5)),
        ({"retry-after": "x", "ratelimit": '"d";r=0;t=3'}, False, Hint(None, 3.0)),
        ({"ratelimit": '"a";r=0;t=3, "b";r=0;t=5, "c";r=1;t=9'}, False, Hint(None, 5.0)),
        ({"ratelimit": '"a";t=3'}, True, Hint(None, 3.0)),
        ({"ratelimit": '"a";r=0;t=3;r'}, False, Hint()),
        ({"ratelimit": "limit=10, remaining=0, reset=30"}, False, Hint(None, 30.0)),
        ({"ratelimit": "limit=10, reset=30"}, True, Hint(None, 30.0)),
        ({"ratelimit": "limit=10, reset=30"}, False, Hint()),
        ({"ratelimit": " " * 1024 + "r=0;t=3"}, False, Hint()),
        ({"ratelimit-reset": "30"}, True, Hint(None, 30.0)),
        ({"ratelimit-reset": "30"}, False, Hint()),
        ({"ratelimit-reset": "30", "ratelimit-remaining": "0"}, False, Hint(None, 30.0)),
        ({"ratelimit-reset": "30", "ratelimit-remaining": "1"}, True, Hint()),
        ({"x-ratelimit-reset": "30"}, True, Hint()),
        ({"x-ratelimit-reset": "30", "x-ratelimit-remaining": "0"}, False, Hint(None, 30.0)),
        ({"x-ratelimit-reset": "x", "x-ratelimit-remaining": "0"}, False, Hint()),
        ({"x-rate-limit-reset": str(NOW + 30), "x-rate-limit-remaining": "0"}, False, Hint(None, 30.0)),
        ({"x-ratelimit-reset-requests": "6m0s"}, True, Hint(None, 360.0)),
        ({"x-ratelimit-reset-requests": "6m0s"}, False, Hint()),
        (
            {"x-ratelimit-reset-requests": "1s", "x-ratelimit-reset-tokens": "5s", "x-ratelimit-remaining-tokens": "0"},
            True,
            Hint(None, 5.0),
        ),
        (
            {"x-ratelimit-reset-requests": "9s", "x-ratelimit-remaining-requests": "1"},
            True,
            Hint(),
        ),
        ({"anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:30Z"}, True, Hint(None, 30.0)),
        ({"anthropic-ratelimit-tokens-reset": "2027-01-15T08:00:30Z"}, False, Hint()),
        (
            {
                "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:10Z",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T08:00:20Z",
                "anthropic-ratelimit-output-tokens-reset": "2027-01-15T08:00:30Z",
                "anthropic-ratelimit-output-tokens-remaining": "1",
            },
            True,
            Hint(None, 20.0),
        ),
        ({"retry-after": "-3"}, False, Hint(None, 0.0)),
        ({"retry-after": "1e300"}, False, Hint(None, 1e11)),
    ],
)
def test_each_header_is_read_in_its_way(found: dict[str, str], limited: bool, hint: Hint) -> None:
    assert retry_after.read(found, NOW, limited=limited) == hint


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Retry-After": "7", "Server": "x"}, {"retry-after": "7"}),
        ({"RETRY-AFTER": "7"}, {"retry-after": "7"}),
        ({b"retry-after": b"7"}, {"retry-after": "7"}),
        ([("Retry-After", "7"), ("retry-after", "9")], {"retry-after": "7"}),
        ([["Retry-After", "7"], ("x",), 3], {"retry-after": "7"}),
        ({"Retry-After": ["7", "9"]}, {"retry-after": "7"}),
        ({"Retry-After": []}, {}),
        ({"Retry-After": 7}, {"retry-after": "7"}),
        ({"Retry-After": 7.5}, {"retry-after": "7.5"}),
        ({"Retry-After": float("nan")}, {}),
        ({"Retry-After": float("inf")}, {"retry-after": "1e+300"}),
        ({"Retry-After": float("-inf")}, {"retry-after": "-1e+300"}),
        ({"Retry-After": True}, {}),
        ({"Retry-After": object()}, {}),
        ({"Retry-After": "x" * 2000}, {"retry-after": "x" * 1024}),
        ({"Retry-After": b"x" * 100}, {"retry-after": "x" * 64}),
        ({"Retry-After": bytearray(b"\xff")}, {"retry-after": "ÿ"}),
        ({"Server": "x"}, {}),
        ({}, {}),
        ([("Server", "x")] * 256 + [("Retry-After", "7")], {}),
        ([("Server", "x")] * 255 + [("Retry-After", "7")], {"retry-after": "7"}),
        ({**{f"x{number}": "" for number in range(255)}, "RETRY-after": "7"}, {"retry-after": "7"}),
        ({**{f"x{number}": "" for number in range(256)}, "RETRY-after": "7"}, {}),
        ({**{f"x{number}": "" for number in range(256)}, "Retry-After": "7"}, {"retry-after": "7"}),
        ({**{f"x{number}": "" for number in range(256)}, "retry-after": "7"}, {"retry-after": "7"}),
    ],
)
def test_headers_are_found_in_whatever_form_they_come(headers: Any, found: dict[str, str]) -> None:
    assert retry_after.find(headers) == found
