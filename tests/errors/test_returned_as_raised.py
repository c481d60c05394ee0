"""A failure gets the same verdict whether the client raises it or returns the reply that tells of it."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import ErrorClassifier

from .recorded_shapes import bearing, recorded


@pytest.fixture
def classifier() -> ErrorClassifier:
    return ErrorClassifier()


def told(classifier: ErrorClassifier, returned: Any, raised: BaseException) -> tuple[Any, ...]:
    """What is said of the raised error, once it is known that the same is said of the reply."""
    one, other = classifier.classify_result(returned), classifier.classify(raised)
    assert one is not None
    fields = ("category", "code", "retry_scope", "circuit_outcome", "retry_after")
    assert [getattr(one, name) for name in fields] == [getattr(other, name) for name in fields]
    return tuple(getattr(one, name) for name in fields)


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("ratelimited", "EXTERNAL_RATE_LIMITED"),
        ("message_limit_exceeded", "QUOTA_EXHAUSTED"),
        ("is_archived", "CONFLICT"),
        ("not_in_channel", "FORBIDDEN"),
        ("already_pinned", "ALREADY_EXISTS"),
        ("invalid_blocks", "BAD_REQUEST"),
        ("never_heard_of", "BAD_REQUEST"),
    ],
)
def test_slacks_words(classifier: ErrorClassifier, word: str, code: str) -> None:
    reply = {"ok": False, "error": word}
    raised = bearing(recorded("slack_sdk.errors.SlackApiError")(), response=reply)
    assert told(classifier, reply, raised)[1] == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({"code": 409, "reason": "AlreadyExists"}, "ALREADY_EXISTS"),
        (
            {"code": 403, "reason": "Forbidden", "message": 'pods "a" is forbidden: exceeded quota: q'},
            "QUOTA_EXHAUSTED",
        ),
        ({"code": 500, "reason": "ServerTimeout", "details": {"retryAfterSeconds": 2}}, "EXTERNAL_UNAVAILABLE"),
        ({"code": 410}, "GONE"),
    ],
)
def test_a_status_of_kubernetes(classifier: ErrorClassifier, reply: dict[str, Any], code: str) -> None:
    import json

    status = {"kind": "Status", "status": "Failure", **reply}
    raised = bearing(
        recorded("kubernetes.client.exceptions.ApiException")(), status=reply["code"], body=json.dumps(status)
    )
    assert told(classifier, status, raised)[1] == code


QUOTA_OF_A_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "7s"}]}, "EXTERNAL_RATE_LIMITED"),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [QUOTA_OF_A_DAY]}, "QUOTA_EXHAUSTED"),
        ({"code": 409, "status": "ABORTED"}, "SERIALIZATION_FAILURE"),
        ({"code": 404, "status": "NOT_FOUND"}, "NOT_FOUND"),
    ],
)
def test_a_status_of_google(classifier: ErrorClassifier, reply: dict[str, Any], code: str) -> None:
    body = {"error": {"message": "m", **reply}}
    raised = bearing(
        recorded("google.genai.errors.APIError")(),
        details=body,
        code=reply["code"],
        status=reply["status"],
        message="m",
    )
    assert told(classifier, body, raised)[1] == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "EXTERNAL_UNAVAILABLE"),
        ("slow_down", "EXTERNAL_RATE_LIMITED"),
        ("timeout_error", "TIMEOUT"),
        ("context_length_exceeded", "PAYLOAD_TOO_LARGE"),
        ("TOO_MANY_REQUESTS", "EXTERNAL_RATE_LIMITED"),
    ],
)
def test_the_words_of_language_models(classifier: ErrorClassifier, kind: str, code: str) -> None:
    said = classifier.classify_result({"type": "error", "error": {"type": kind, "message": "m"}})
    assert said is not None
    assert said.code == code


def test_a_document_that_a_search_engine_refused(classifier: ErrorClassifier) -> None:
    flooded = "index [i] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]"
    item = {"index": {"status": 429, "error": {"type": "cluster_block_exception", "reason": flooded}}}
    raised = classifier.classify(bearing(recorded("elasticsearch.helpers.errors.BulkIndexError")(), errors=[item]))
    returned = classifier.classify_result({"took": 3, "errors": True, "items": [item]})
    assert returned is not None
    assert returned.code == raised.code == "DISK_FULL"


def test_an_operation_that_was_aborted(classifier: ErrorClassifier) -> None:
    operation = {"name": "operations/1", "done": True, "error": {"code": 10, "message": "aborted"}}
    raised = bearing(recorded("google.genai.errors.APIError")(), details={}, code=409, status="ABORTED", message="m")
    assert told(classifier, operation, raised)[1:3] == ("SERIALIZATION_FAILURE", "new_transaction")
