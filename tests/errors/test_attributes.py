"""What is read off an error: its status, its headers, its waiting time, the vendor's code."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing

from holdfast.errors.attributes import NO_FACTS, Facts, facts_of, look_up, read
from holdfast.errors.codes import by_code
from holdfast.errors.http import as_status, has_http_numbers
from holdfast.errors.retry_after import Hint

NOW = 1_800_000_000.0


def facts(error: BaseException, *names: str, http: bool = True) -> Facts:
    return facts_of(error, names or tuple(vars(error)), lambda: NOW, http)


class Hostile:
    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)


# Statuses.


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (300, 300),
        (599, 599),
        (299, None),
        (600, None),
        ("503", 503),
        ("300", 300),
        ("599", 599),
        ("299", None),
        ("600", None),
        ("0503", None),
        ("50", None),
        ("٥٠٣", None),
        ("5x3", None),
        (HTTPStatus.NOT_FOUND, 404),
        (HTTPStatus.OK, None),
        (True, None),
        (503.0, None),
        (None, None),
        (b"503", None),
    ],
)
def test_a_status_is_a_whole_number_from_300_to_599(value: Any, status: int | None) -> None:
    found = as_status(value)
    assert found == status
    assert found is None or type(found) is int


def test_numbers_of_databases_and_brokers_are_not_those_of_http() -> None:
    assert has_http_numbers({"httpx", "builtins"})
    assert not has_http_numbers({"builtins", "psycopg"})
    assert not has_http_numbers({"kombu"})
    assert not has_http_numbers({"smtplib"})


# Attributes.


def test_a_missing_attribute_and_one_that_raises_are_none() -> None:
    assert read(Bag(x=1), "x") == 1
    assert read(Bag(x=1), "y") is None
    assert read(Hostile(), "x") is None


def test_nested_mappings_are_looked_into_and_nothing_else() -> None:
    class Shouting(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise AssertionError("a dict is asked as a dict")

    class Broken(Mapping[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise ValueError(key)

        __iter__ = __len__ = None  # type: ignore[assignment]

    assert look_up({"a": {"b": 1}}, "a", "b") == 1
    assert look_up(Shouting(a=1), "a") == 1
    assert look_up(MappingProxyType({"a": {"b": 1}}), "a", "b") == 1
    assert look_up({"a": 1}, "a", "b") is None
    assert look_up({"a": 1}, "b", "a") is None
    assert look_up(Broken(), "a") is None
    assert look_up([1], "a") is None


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"response": Bag(status_code=503)}, 503),
        ({"response": Bag(status=503)}, 503),
        ({"response": Bag(status="503")}, 503),
        ({"response": Bag(status_code="503")}, 503),
        ({"response": Bag(status_code=200, status=503)}, 503),
        ({"response": Bag(status_code=599)}, 599),
        ({"response": Bag(status_code=300)}, 300),
        ({"response": Bag(status_code=600)}, None),
        ({"response": Bag(status_code=200)}, None),
        ({"resp": Bag(status=404)}, 404),
        ({"meta": Bag(status=404)}, 404),
        ({"response": Bag(), "resp": Bag(status=404)}, 404),
        ({"response": Bag(status=503), "resp": Bag(status=404)}, 503),
        ({"response": None, "status": 500}, 500),
        ({"response": Bag(status=503), "status": 404}, 503),
        ({"response": Bag(), "status": 404}, 404),
        ({"response": Hostile(), "status": 404}, 404),
        ({"status_code": 503}, 503),
        ({"http_status": "503"}, 503),
        ({"errcode": 503}, 503),
        ({"status_code": 1, "status": 503}, 503),
        ({"code": 400}, 400),
        ({"code": 399}, None),
        ({"code": "400"}, None),
        ({"status": 399}, 399),
        ({"response": {"ResponseMetadata": {"HTTPStatusCode": 503}}}, 503),
        ({"response": {"status_code": 503}}, 503),
        ({"response": {"status": "503"}}, 503),
        ({"response": {"x": 1}}, None),
    ],
)
def test_the_status_is_that_of_the_response_or_else_the_errors_own(attributes: Any, status: int | None) -> None:
    assert facts(bearing(Exception(), **attributes)).status == status


def test_of_a_response_that_cannot_tell_one_thing_the_other_is_read() -> None:
    class NoHeaders:
        status_code = 503

        @property
        def headers(self) -> Any:
            raise ValueError

    class NoStatus:
        headers = RETRY

        @property
        def status_code(self) -> Any:
            raise ValueError

    assert facts(bearing(Exception(), response=NoHeaders())) == Facts(503, False)
    assert facts(bearing(Exception(), response=NoStatus())) == Facts(None, False, Hint(None, 7.0))


def test_own_numbers_count_only_where_they_may_be_http() -> None:
    assert facts(bearing(Exception(), status=503), http=False) is NO_FACTS
    assert facts(bearing(Exception(), response=Bag(status=503)), http=False).status == 503
    assert facts(bearing(Exception(), status=503, x=1), "x") is NO_FACTS, "only what is named is looked at"


def test_a_bare_status_is_a_rate_limit_if_it_is_429() -> None:
    assert facts(bearing(Exception(), status=429)) == Facts(429, True)
    assert facts(bearing(Exception(), status=428)) == Facts(428, False)
    assert facts(bearing(Exception(), status=403)) == Facts(403, False)


RETRY = {"Retry-After": "7"}


def test_a_403_with_the_headers_of_a_rate_limit_is_one() -> None:
    for status, limited in ((403, True), (429, True), (503, False), (401, False)):
        found = facts(bearing(Exception(), response=Bag(status_code=status, headers=RETRY)))
        assert found == Facts(status, limited, Hint(None, 7.0))


@pytest.mark.parametrize(
    ("attributes", "hint"),
    [
        ({"headers": RETRY}, Hint(None, 7.0)),
        ({"headers": None}, Hint()),
        ({"headers": Hostile()}, Hint()),
        ({"retry_after": 9}, Hint(None, 9.0)),
        ({"retry_after": "soon"}, Hint()),
        ({"headers": RETRY, "retry_after": 9}, Hint(None, 7.0)),
        ({"headers": {"x-should-retry": "true"}, "retry_after": 9}, Hint(True, 9.0)),
        ({"response": Bag(headers=RETRY), "headers": {"Retry-After": "1"}}, Hint(None, 7.0)),
        ({"response": Bag(headers={"Server": "x"}), "headers": RETRY}, Hint(None, 7.0)),
        ({"response": {"headers": RETRY}}, Hint(None, 7.0)),
        ({"response": {"Retry-After": "7"}}, Hint(None, 7.0)),
        ({"response": {"ResponseMetadata": {"HTTPStatusCode": 503, "HTTPHeaders": RETRY}}}, Hint(None, 7.0)),
        ({"response": {"ResponseMetadata": {"HTTPStatusCode": 503}, "headers": RETRY}}, Hint()),
    ],
)
def test_the_waiting_time_is_that_of_the_headers_or_else_the_errors_own(attributes: Any, hint: Hint) -> None:
    assert facts(bearing(Exception(), **attributes)).hint == hint


def test_the_code_of_a_dict_is_kept() -> None:
    response = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    assert facts(bearing(Exception(), response=response)) == Facts(503, False, Hint(), "SlowDown")
    assert facts(bearing(Exception(), response={"Error": {"Code": "SlowDown"}})).code == "SlowDown"
    limited = {"Error": {"Code": "X"}, "ResponseMetadata": {"HTTPStatusCode": 429}}
    assert facts(bearing(Exception(), response=limited)).limited is True


def test_a_clock_that_raises_costs_the_hint_only() -> None:
    def broken() -> float:
        raise ValueError

    error = bearing(Exception(), response=Bag(status_code=429, headers=RETRY), retry_after=9)
    assert facts_of(error, ("response", "retry_after"), broken, True) == Facts(429, True)  # noqa: FBT003


# The vendors' codes.


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"code": "slowdown"}, "EXTERNAL_RATE_LIMITED"),
        ({"error_code": "NoSuchKey"}, "NOT_FOUND"),
        ({"type": "overloaded_error"}, "EXTERNAL_UNAVAILABLE"),
        ({"code": "unheard of", "type": "overloaded_error"}, "EXTERNAL_UNAVAILABLE"),
        ({"code": -32601}, "NOT_FOUND"),
        ({"code": -32768}, "SERVER_ERROR"),
        ({"code": -32000}, "SERVER_ERROR"),
        ({"error": {"code": -32601}}, "NOT_FOUND"),
        ({"error": Bag(code=-32602)}, "INVALID_INPUT"),
        ({"error": {"code": "slowdown"}}, None),
        ({"error": None}, None),
        ({"body": {"error": {"code": "slowdown"}}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"error": {"type": "slowdown"}}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"code": "slowdown"}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"type": "slowdown"}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"error": {"code": "slowdown", "type": "nosuchkey"}}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"error": {"type": "slowdown"}, "code": "nosuchkey"}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": {"code": "slowdown", "type": "nosuchkey"}}, "EXTERNAL_RATE_LIMITED"),
        ({"body": "slowdown"}, None),
        ({"code": "slowdown", "body": {"code": "nosuchkey"}}, "EXTERNAL_RATE_LIMITED"),
        ({"code": "x" * 65}, None),
        ({"code": 7}, None),
        ({"code": True}, None),
    ],
)
def test_a_known_code_is_found_on_the_error_and_in_its_body(attributes: Any, code: str | None) -> None:
    error = bearing(Exception(), **attributes)
    found = by_code(error, vars(error), None)
    assert (None if found is None else found.code) == code


def test_a_code_that_the_response_tells_counts_last() -> None:
    error = bearing(Exception(), code="slowdown", body={"code": "overloaded"})
    for names, code in ((("code",), "EXTERNAL_RATE_LIMITED"), ((), "NOT_FOUND"), (("body",), "EXTERNAL_UNAVAILABLE")):
        found = by_code(error, names, "NoSuchKey")
        assert found is not None
        assert found.code == code
    assert by_code(error, (), None) is None
