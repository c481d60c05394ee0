"""Stripe, Slack, Kubernetes and their like: attributes that are missing, of other types, or too large to look at."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import ErrorClassifier
from holdfast.errors.known.slack import by_slack_word

from .recorded_shapes import Bag, bearing, recorded


def judged(error: BaseException) -> Any:
    return ErrorClassifier().classify(error)


def told(error: BaseException) -> tuple[str, str, str, str]:
    said = judged(error)
    return said.category, said.code, said.retry_scope, said.circuit_outcome


StripeError = recorded("stripe._error.StripeError")
CardError = recorded("stripe._error.CardError", StripeError)
InvalidRequestError = recorded("stripe._error.InvalidRequestError", StripeError)


@pytest.mark.parametrize("body", [None, [], "text", {"error": "text"}, {"error": {"decline_code": [], "code": 7}}])
def test_a_body_of_stripe_that_is_not_as_documented_leaves_it_to_the_class(body: Any) -> None:
    error = bearing(CardError(), json_body=body, code=None, http_status=402)
    assert told(error) == ("PERMANENT", "UNPROCESSABLE", "never", "success")


def test_a_code_of_stripe_in_the_body_counts_as_one_on_the_error() -> None:
    error = bearing(InvalidRequestError(), json_body={"error": {"code": "resource_missing"}}, http_status=404)
    assert told(error) == ("PERMANENT", "NOT_FOUND", "never", "success")


def test_stripes_own_word_on_a_retry_outranks_ours() -> None:
    conflict = bearing(StripeError(), http_status=409, headers={"Stripe-Should-Retry": "false"})
    assert not judged(conflict).retryable
    assert judged(bearing(StripeError(), http_status=409)).retryable


SlackApiError = recorded("slack_sdk.errors.SlackApiError")


@pytest.mark.parametrize("word", [None, 7, "", "two words", "x" * 81, ["ratelimited"]])
def test_what_is_no_word_of_slack_has_no_meaning(word: Any) -> None:
    assert by_slack_word(word) is None


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("canvas_not_found", "NOT_FOUND"),
        ("already_pinned", "ALREADY_EXISTS"),
        ("emoji_too_large", "PAYLOAD_TOO_LARGE"),
        ("invalid_cursor", "BAD_REQUEST"),
        ("posting_to_general_channel_denied", "FORBIDDEN"),
        ("restricted_action_thread_only_channel", "FORBIDDEN"),
    ],
)
def test_the_form_of_a_word_of_slack_tells_what_it_means(word: str, wanted: str) -> None:
    found = by_slack_word(word)
    assert found is not None
    assert (found.code, found.retryable, found.trips_circuit) == (wanted, False, False)


def test_slacks_client_was_called_slack_before() -> None:
    error = bearing(recorded("slack.errors.SlackApiError")(), response={"ok": False, "error": "token_revoked"})
    assert told(error) == ("AUTH", "UNAUTHENTICATED", "never", "success")


def test_an_answer_that_is_not_slacks_is_judged_by_its_status() -> None:
    page = Bag(data="<html>", status_code=502)
    assert told(bearing(SlackApiError(), response=page))[:2] == ("TRANSIENT", "BAD_GATEWAY")
    of_aiohttp = Bag(status=503)
    assert told(bearing(SlackApiError(), response=of_aiohttp))[:2] == ("TRANSIENT", "EXTERNAL_UNAVAILABLE")


def test_a_token_rotation_that_failed_without_a_reason_is_one_of_credentials() -> None:
    assert judged(recorded("slack_sdk.errors.SlackTokenRotationError")()).category == "AUTH"


ApiException = recorded("kubernetes.client.exceptions.ApiException")


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "",
        "<html>",
        "{broken",
        "[" * 50_000,
        "{" + '"a":{' * 40_000,
        '{"reason": "AlreadyExists"' + " " * 100_000 + "}",
        '{"reason": 7, "message": [], "details": {"retryAfterSeconds": "soon"}}',
        '{"details": {"retryAfterSeconds": -1}}',
        b"{\xff}",
    ],
)
def test_a_body_that_is_no_status_of_kubernetes_leaves_it_to_the_http_status(body: Any) -> None:
    said = judged(bearing(ApiException(), status=409, reason="Conflict", body=body))
    assert (said.category, said.code, said.retry_after) == ("PERMANENT", "CONFLICT", None)


def test_a_status_of_kubernetes_may_be_bytes_and_carry_the_code_alone() -> None:
    assert judged(bearing(ApiException(), status=None, body=b'{"code": 404}')).code == "NOT_FOUND"


@pytest.mark.parametrize("reason", [None, 7, "no route", "Handshake status ", "Handshake status 999 x"])
def test_a_kubernetes_call_without_answer_may_be_tried_again(reason: Any) -> None:
    assert told(bearing(ApiException(), status=0, reason=reason))[:3] == ("TRANSIENT", "CONNECTION_ERROR", "idempotent")


@pytest.mark.parametrize("failures", [None, [], "text", 7])
def test_a_list_of_failures_that_is_none_is_an_error_of_kubernetes(failures: Any) -> None:
    error = bearing(recorded("kubernetes.utils.create_from_yaml.FailToCreateError")(), api_exceptions=failures)
    assert told(error) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")


def test_failures_that_are_not_even_errors_are_judged_together() -> None:
    failures = [bearing(ApiException(), status=503), "what is this"]
    error = bearing(recorded("kubernetes.utils.create_from_yaml.FailToCreateError")(), api_exceptions=failures)
    assert not judged(error).retryable


@pytest.mark.parametrize("code", [None, "20429", True, 1])
def test_a_number_of_twilio_that_says_nothing_leaves_it_to_the_status(code: Any) -> None:
    error = bearing(recorded("twilio.base.exceptions.TwilioRestException")(), status=404, code=code)
    assert told(error) == ("PERMANENT", "NOT_FOUND", "never", "success")


@pytest.mark.parametrize(
    "data", [None, "text", [], {"message": 7, "errors": "x"}, {"errors": ["x", {"code": "missing"}]}]
)
def test_what_github_sends_is_looked_at_with_care(data: Any) -> None:
    error = bearing(recorded("github.GithubException.GithubException")(), status=422, data=data)
    assert told(error) == ("VALIDATION", "UNPROCESSABLE", "never", "success")


def test_a_telegram_error_without_a_text_is_one_of_the_network() -> None:
    assert told(recorded("telegram.error.NetworkError")())[:2] == ("TRANSIENT", "CONNECTION_ERROR")


def test_a_word_that_slack_never_said_before_leaves_it_to_the_status_of_a_failure() -> None:
    unheard_of = {"ok": False, "error": "never_heard_of"}
    assert told(bearing(SlackApiError(), response=Bag(data=unheard_of, status_code=502)))[1] == "BAD_GATEWAY"
    assert told(bearing(SlackApiError(), response=Bag(data=unheard_of, status_code=200)))[1] == "BAD_REQUEST"
