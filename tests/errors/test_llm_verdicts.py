"""Traps of language models' clients that the corpus cannot show: odd bodies, hostile attributes, classes not yet made."""

from __future__ import annotations

from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded

from holdfast.errors import ErrorClassifier

Wanted = tuple[str, str, str, str]

USED_UP = ("RESOURCE", "QUOTA_EXHAUSTED", "never", "success")
RATE_LIMITED = ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")
LIMITED_IN_A_STREAM = ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "idempotent", "ignore")
STREAM_FAILED = ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")
BAD_REQUEST = ("VALIDATION", "BAD_REQUEST", "never", "success")
NOT_CONNECTED = ("TRANSIENT", "CONNECTION_ERROR", "idempotent", "failure")


def told(error: BaseException) -> Wanted:
    verdict = ErrorClassifier().classify(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


def of(package: str, *names: str) -> Any:
    """The class of that name, below the bases that the package gives its errors."""
    kind: Any = Exception
    for name in (f"{package}Error", "APIError", *names):
        kind = recorded(f"{package}.{name}", kind)
    return kind


def status_error(package: str, status: int, body: Any = None, *names: str, **attributes: Any) -> BaseException:
    kind = of(package, "APIStatusError", *names)
    return bearing(kind("x"), status_code=status, response=Bag(status_code=status), body=body, **attributes)


@pytest.mark.parametrize(
    "body", [None, "text", [], [1], {"error": "text"}, {"error": None}, {"error": {"code": 7.5}}, 3]
)
def test_a_body_of_any_shape_leaves_the_verdict_to_the_status(body: Any) -> None:
    assert told(status_error("openai", 400, body)) == BAD_REQUEST
    assert told(status_error("anthropic", 429, body)) == RATE_LIMITED


@pytest.mark.parametrize("body", [None, "text", [], {"error": "text"}, {"error": {"code": 7.5}}])
def test_without_a_status_a_body_of_any_shape_is_a_stream_that_failed(body: Any) -> None:
    assert told(bearing(of("openai")("x"), body=body)) == STREAM_FAILED
    assert told(status_error("anthropic", 200, body)) == STREAM_FAILED


def test_the_code_wins_over_the_status_wherever_in_the_body_it_stands() -> None:
    for body in ({"code": "insufficient_quota"}, {"error": {"code": "insufficient_quota"}}, {"type": "billing_error"}):
        assert told(status_error("openai", 429, body)) == USED_UP
    assert told(status_error("openai", 429, {"code": "INSUFFICIENT_QUOTA"})) == USED_UP
    assert told(status_error("openai", 429, {"code": "x" * 65, "type": "insufficient_quota"})) == USED_UP


def test_a_status_as_the_code_of_a_stream_is_read_as_number_and_as_text() -> None:
    for code in (429, "429"):
        assert told(bearing(of("openai")("x"), body={"code": code})) == LIMITED_IN_A_STREAM


def test_a_quota_of_gemini_behind_openais_protocol_may_be_that_of_a_minute() -> None:
    body = [{"error": {"code": 429, "message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED"}}]
    assert told(status_error("openai", 429, body, message="You exceeded your current quota")) == RATE_LIMITED
    assert told(status_error("openai", 429, None, message="You exceeded your current quota")) == USED_UP


def test_attributes_that_raise_are_passed_over() -> None:
    def explode(self: Any) -> Any:
        raise RuntimeError("no")

    kind = recorded(
        "openai.APIStatusError", of("openai"), body=property(explode), code=property(explode), type=property(explode)
    )
    assert told(bearing(kind("x"), status_code=400)) == BAD_REQUEST


def test_a_class_that_is_named_after_its_code_needs_no_body() -> None:
    assert told(status_error("anthropic", 429, None, "RateLimitError", "EnforcedSpendLimitReachedError")) == USED_UP
    assert told(status_error("anthropic", 400, None, "BadRequestError", "BetaStorageQuotaExceededError")) == USED_UP
    assert told(status_error("anthropic", 400, None, "BadRequestError", "NobodyKnowsError")) == BAD_REQUEST


def test_subclasses_of_other_packages_are_known_by_their_bases() -> None:
    error = recorded("litellm.exceptions.RateLimitError", of("openai", "APIStatusError"))("x")
    assert told(bearing(error, status_code=429, body={"code": "insufficient_quota"})) == USED_UP
    timeout = recorded("litellm.exceptions.Timeout", of("openai", "APIConnectionError", "APITimeoutError"))("x")
    assert told(bearing(timeout, status_code=408)) == ("TRANSIENT", "REQUEST_TIMEOUT", "always", "failure")


@pytest.mark.parametrize("package", ["openai", "anthropic", "groq", "cerebras", "together"])
def test_a_connection_error_without_a_cause_is_a_connection_error(package: str) -> None:
    assert told(of(package, "APIConnectionError")("x")) == NOT_CONNECTED
    refused = caused(of(package, "APIConnectionError")("x"), ConnectionRefusedError(111, "refused"))
    assert told(refused) == ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")


def gemini(details: Any, code: Any = 429, status: Any = "RESOURCE_EXHAUSTED") -> BaseException:
    kind = recorded("google.genai.errors.ClientError", recorded("google.genai.errors.APIError"))
    return bearing(kind("x"), code=code, status=status, details=details, message=None, response=Bag(status_code=code))


@pytest.mark.parametrize(
    "details",
    [
        None,
        "text",
        {"error": {"details": "text"}},
        {"error": {"details": ["text", None, {"violations": "text"}, {"violations": ["text", {"quotaId": 7}]}]}},
        {"details": [{"retryDelay": 37}]},
        {"details": [{"retryDelay": "soon", "reason": 7}]},
    ],
)
def test_details_of_any_shape_leave_the_verdict_on_gemini_to_the_status(details: Any) -> None:
    verdict = ErrorClassifier().classify(gemini(details))
    assert (verdict.category, verdict.retry_scope, verdict.retry_after) == ("EXTERNAL", "always", None)


def test_gemini_without_any_number_failed_somehow() -> None:
    assert told(gemini(None, code=None, status=None)) == STREAM_FAILED
    assert told(gemini(None, code=True, status=7)) == STREAM_FAILED
    assert told(gemini(None, code=4711, status=None))[2] == "reconnect"


def test_a_client_error_of_another_google_package_is_not_taken_for_geminis() -> None:
    error = recorded("google.api_core.exceptions.ClientError")("x")
    assert told(bearing(error, code=404))[1] == "NOT_FOUND"
