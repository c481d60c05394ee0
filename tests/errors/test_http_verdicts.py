"""HTTP statuses: what each means, and where on an error a status is found."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded

from holdfast.errors import Classification, ErrorClassifier


def classify(error: BaseException) -> Classification:
    return ErrorClassifier(now=lambda: 1_000_000_000.0).classify(error)


def answered(status: Any, headers: Any = None) -> BaseException:
    return bearing(Exception("x"), response=Bag(status_code=status, headers={} if headers is None else headers))


def told(error: BaseException) -> tuple[str, str, str, str]:
    verdict = classify(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        ([301, 304], ("PERMANENT", "INVALID_RESPONSE", "never", "success")),
        ([400, 405, 411, 415, 418, 424, 428, 431], ("VALIDATION", "BAD_REQUEST", "never", "success")),
        ([401], ("AUTH", "UNAUTHENTICATED", "never", "success")),
        ([402], ("RESOURCE", "QUOTA_EXHAUSTED", "never", "success")),
        ([403], ("AUTH", "FORBIDDEN", "never", "success")),
        ([404], ("PERMANENT", "NOT_FOUND", "never", "success")),
        ([407, 511], ("CONFIGURATION", "PROXY_ERROR", "never", "failure")),
        ([408], ("TRANSIENT", "REQUEST_TIMEOUT", "always", "failure")),
        ([409], ("PERMANENT", "CONFLICT", "never", "success")),
        ([410], ("PERMANENT", "GONE", "never", "success")),
        ([412], ("PERMANENT", "PRECONDITION_FAILED", "never", "success")),
        ([413], ("VALIDATION", "PAYLOAD_TOO_LARGE", "never", "success")),
        ([421], ("TRANSIENT", "CONNECTION_ERROR", "reconnect", "failure")),
        ([422], ("VALIDATION", "UNPROCESSABLE", "never", "success")),
        ([423], ("RESOURCE", "LOCK_TIMEOUT", "always", "success")),
        ([425], ("TRANSIENT", "TOO_EARLY", "always", "ignore")),
        ([429], ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        ([451], ("PERMANENT", "FORBIDDEN", "never", "success")),
        ([499], ("CANCELLED", "CANCELLED", "never", "ignore")),
        ([500, 509, 520, 599 - 9], ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        ([501, 505, 506, 508, 510], ("PERMANENT", "SERVER_ERROR", "never", "success")),
        ([502, 527, 530], ("TRANSIENT", "BAD_GATEWAY", "idempotent", "failure")),
        ([503, 521, 523], ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")),
        ([504, 524, 598, 599], ("TRANSIENT", "GATEWAY_TIMEOUT", "idempotent", "failure")),
        ([507], ("RESOURCE", "DISK_FULL", "never", "failure")),
        ([522], ("TRANSIENT", "CONNECT_TIMEOUT", "always", "failure")),
        ([525], ("CONFIGURATION", "TLS_ERROR", "never", "failure")),
        ([526], ("CONFIGURATION", "TLS_CERTIFICATE_INVALID", "never", "failure")),
        ([529], ("EXTERNAL", "EXTERNAL_UNAVAILABLE", "always", "failure")),
    ],
)
def test_each_status_has_its_verdict(statuses: list[int], wanted: tuple[str, str, str, str]) -> None:
    for status in statuses:
        assert told(answered(status)) == wanted
        assert classify(answered(status)).reason == f"HTTP status {status}"


@pytest.mark.parametrize(
    "attributes",
    [
        {"response": Bag(status_code=503)},
        {"response": Bag(status=503)},
        {"response": Bag(status_code=None, status=503)},
        {"response": {"status_code": 503}},
        {"response": {"status": "503"}},
        {"response": {"ResponseMetadata": {"HTTPStatusCode": 503}}},
        {"resp": Bag(status=503)},
        {"meta": Bag(status=503)},
        {"status_code": 503},
        {"status_code": "503"},
        {"status_code": HTTPStatus.SERVICE_UNAVAILABLE},
        {"http_status": 503},
        {"status": 503},
        {"errcode": 503},
        {"code": 503},
        {"response": None, "status_code": 503},
        {"response": Bag(), "status_code": 503},
        {"response": {"body": "x"}, "status_code": 503},
    ],
)
def test_the_status_is_found_wherever_libraries_put_it(attributes: dict[str, Any]) -> None:
    assert classify(bearing(Exception("x"), **attributes)).code == "EXTERNAL_UNAVAILABLE"


def test_a_status_that_the_class_defines_is_found() -> None:
    assert classify(recorded("werkzeug.exceptions.NotFound", code=404)()).code == "NOT_FOUND"
    assert classify(recorded("app.Busy", status_code=property(lambda self: 503))()).code == "EXTERNAL_UNAVAILABLE"


@pytest.mark.parametrize("method", ["__getattr__", "__getattribute__"])
def test_a_status_that_the_class_makes_up_when_it_is_asked_is_found(method: str) -> None:
    def answer(error: BaseException, name: str) -> Any:
        return 503 if name == "status_code" else BaseException.__getattribute__(error, name)

    assert classify(type("Busy", (Exception,), {method: answer})()).code == "EXTERNAL_UNAVAILABLE"


def test_a_class_attribute_does_not_hide_what_the_instance_carries() -> None:
    error = bearing(recorded("app.Failed", headers={})("x"), status_code=503)
    assert classify(error).code == "EXTERNAL_UNAVAILABLE"


@pytest.mark.parametrize(
    "attributes",
    [
        {"status_code": "N/A"},
        {"status_code": "TIMEOUT"},
        {"status_code": "５０３"},
        {"status_code": True},
        {"status_code": 200},
        {"status_code": 1000},
        {"status_code": -503},
        {"status_code": 503.0},
        {"status_code": None},
        {"code": "503"},
        {"code": 302},
        {"code": lambda: 503},
        {"status": "UNAVAILABLE"},
        {"response": "503"},
        {"response": Bag(status_code="OOM")},
    ],
)
def test_what_is_no_error_status_is_not_taken_for_one(attributes: dict[str, Any]) -> None:
    assert classify(bearing(Exception("x"), **attributes)).category == "UNKNOWN"


def test_numbers_of_other_protocols_are_not_taken_for_http() -> None:
    assert classify(bearing(recorded("pymongo.errors.SomeError")("x"), code=500)).category == "UNKNOWN"
    assert classify(bearing(recorded("amqp.exceptions.NotFound")("x"), code=404)).category == "UNKNOWN"


def test_the_response_of_a_websocket_handshake_is_http_all_the_same() -> None:
    refused = bearing(recorded("websockets.exceptions.InvalidStatus")("x"), response=Bag(status_code=401))
    assert classify(refused).code == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000000030"},
        {"Retry-After": "30"},
        {"RateLimit": '"default";r=0;t=30'},
    ],
)
def test_a_403_with_the_headers_of_a_rate_limit_is_one(headers: dict[str, str]) -> None:
    verdict = classify(answered(403, headers))
    assert (verdict.code, verdict.category, verdict.retryable) == ("EXTERNAL_RATE_LIMITED", "EXTERNAL", True)
    assert verdict.reason == "HTTP status 403 with the headers of a rate limit"


def test_a_403_with_calls_remaining_is_a_matter_of_rights() -> None:
    assert classify(answered(403, {"x-ratelimit-remaining": "12"})).category == "AUTH"


def test_the_server_may_forbid_a_retry_that_the_status_allows() -> None:
    verdict = classify(answered(429, {"x-should-retry": "false", "retry-after": "3"}))
    assert (verdict.category, verdict.retryable, verdict.retry_scope) == ("EXTERNAL", False, "never")
    assert verdict.retry_after == 3.0
    assert "not to retry" in verdict.reason


@pytest.mark.parametrize("name", ["x-should-retry", "Stripe-Should-Retry"])
def test_the_server_may_ask_for_a_retry_that_the_status_forbids(name: str) -> None:
    verdict = classify(answered(409, {name: "true"}))
    assert (verdict.category, verdict.code, verdict.retryable, verdict.retry_scope) == (
        "TRANSIENT",
        "CONFLICT",
        True,
        "always",
    )
    assert verdict.circuit_outcome == "success"


def test_a_server_that_agrees_with_its_status_changes_nothing() -> None:
    assert classify(answered(500, {"x-should-retry": "true"})).retry_scope == "idempotent"
    assert classify(answered(404, {"x-should-retry": "no"})) == classify(answered(404))


def test_nothing_makes_a_cancelled_call_retryable() -> None:
    assert classify(answered(499, {"x-should-retry": "true"})).retryable is False


# -- vendors' codes speak before the status -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "code", "retryable"),
    [
        ({"status_code": 429, "code": "insufficient_quota"}, "QUOTA_EXHAUSTED", False),
        ({"status_code": 200, "type": "overloaded_error"}, "EXTERNAL_UNAVAILABLE", True),
        ({"status_code": 200, "body": {"error": {"type": "overloaded_error"}}}, "EXTERNAL_UNAVAILABLE", True),
        ({"status_code": 429, "body": {"error": {"code": "insufficient_quota"}}}, "QUOTA_EXHAUSTED", False),
        ({"body": {"code": "rate_limit_exceeded"}}, "EXTERNAL_RATE_LIMITED", True),
        ({"body": {"type": "rate_limit_error"}}, "EXTERNAL_RATE_LIMITED", True),
        ({"response": {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}},
         "EXTERNAL_RATE_LIMITED", True),
        ({"response": {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 400}}},
         "FORBIDDEN", False),
        ({"response": {"Error": {"Code": "Odd"}, "ResponseMetadata": {"HTTPStatusCode": 400}}}, "BAD_REQUEST", False),
        ({"error_code": "TOKEN_EXPIRED"}, "TOKEN_EXPIRED", False),
        ({"code": "AGENT_NOT_FOUND"}, "AGENT_NOT_FOUND", False),
        ({"code": "mcp_timeout"}, "MCP_TIMEOUT", True),
        ({"status_code": 503, "code": "made_up"}, "EXTERNAL_UNAVAILABLE", True),
        ({"status_code": 503, "code": "x" * 10_000}, "EXTERNAL_UNAVAILABLE", True),
        ({"status_code": 503, "body": "overloaded_error"}, "EXTERNAL_UNAVAILABLE", True),
        ({"status_code": 404, "body": {"error": "text"}}, "NOT_FOUND", False),
    ],
)  # fmt: skip
def test_a_vendors_code_says_more_than_the_status(attributes: dict[str, Any], code: str, retryable: bool) -> None:
    verdict = classify(bearing(Exception("x"), **attributes))
    assert (verdict.code, verdict.retryable) == (code, retryable)


def test_amazons_waiting_time_is_read_from_the_dict_of_its_response() -> None:
    response = {
        "Error": {"Code": "SlowDown"},
        "ResponseMetadata": {"HTTPStatusCode": 503, "HTTPHeaders": {"x-amz-retry-after": "1500"}},
    }
    verdict = classify(bearing(Exception("x"), response=response))
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_RATE_LIMITED", 1.5)


def test_the_error_s_status_outranks_its_type_and_its_cause() -> None:
    assert classify(bearing(ValueError("x"), status_code=503)).code == "EXTERNAL_UNAVAILABLE"
    assert classify(caused(answered(404), ConnectionResetError())).code == "NOT_FOUND"
