"""Failures that are returned: HTTP responses, protocols' replies, batches, models' answers; and data that is none."""

from __future__ import annotations

import abc
import enum
import gc
import logging
import subprocess
import weakref
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import pytest

from holdfast.errors import Classification, ConfigurationError, ErrorClassifier
from holdfast.errors.results import _MOST_PLANS

NOW = 1_000_000_000.0


def made(path: str, **fields: Any) -> Any:
    """An object of a class with the module and name that a library's has, as `mcp.types.CallToolResult`."""
    module, _, name = path.rpartition(".")
    kind = type(name, (SimpleNamespace,), {"__module__": module, "__qualname__": name})
    return kind(**fields)


def response(status: Any = 503, headers: Any = None, name: str = "status_code") -> Any:
    return SimpleNamespace(**{name: status, "headers": {} if headers is None else headers})


@pytest.fixture
def classifier() -> ErrorClassifier:
    return ErrorClassifier(now=lambda: NOW)


def told(seen: Classification | None) -> tuple[str, str, str, str] | None:
    return None if seen is None else (str(seen.category), str(seen.code), seen.retry_scope, seen.circuit_outcome)


# -- HTTP responses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (503, ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")),
        (500, ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        (429, ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        (404, ("PERMANENT", "NOT_FOUND", "never", "success")),
        (422, ("VALIDATION", "UNPROCESSABLE", "never", "success")),
        (401, ("AUTH", "UNAUTHENTICATED", "never", "success")),
        (600, None),
        (304, None),
        (302, None),
        (200, None),
        (100, None),
        (None, None),
        (True, None),
        ("N/A", None),
    ],
)
@pytest.mark.parametrize("name", ["status_code", "status"])
def test_a_response_is_judged_by_its_status_and_a_redirect_is_no_failure(
    classifier: ErrorClassifier, status: Any, name: str, wanted: Any
) -> None:
    assert told(classifier.classify_result(response(status, name=name))) == wanted


def test_the_servers_waiting_time_is_read_from_the_headers(classifier: ErrorClassifier) -> None:
    for headers in ({"Retry-After": "7"}, {"retry-after-ms": "7000"}, [(b"retry-after", b"7")]):
        seen = classifier.classify_result(response(503, headers))
        assert seen is not None
        assert seen.retry_after == 7.0
    never = classifier.classify_result(response(503, {"x-should-retry": "false"}))
    assert never is not None
    assert not never.retryable


def test_a_403_with_the_headers_of_a_rate_limit_is_one(classifier: ErrorClassifier) -> None:
    seen = classifier.classify_result(response(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOW + 9)}))
    assert told(seen) == ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")
    assert seen is not None
    assert seen.retry_after == 9.0


class PropertyResponse:
    """As aiohttp and Starlette have it: the class answers, not the instance."""

    __slots__ = ()
    status = 502

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}

    @property
    def body(self) -> bytes:
        raise AssertionError("the body was read")

    content = text = body


def test_properties_and_slots_are_read_and_the_body_is_not(classifier: ErrorClassifier) -> None:
    seen = classifier.classify_result(PropertyResponse())
    assert told(seen) == ("TRANSIENT", "BAD_GATEWAY", "idempotent", "failure")


def test_a_status_without_headers_and_headers_without_a_status_are_no_response(classifier: ErrorClassifier) -> None:
    assert classifier.classify_result(SimpleNamespace(status_code=503)) is None
    assert classifier.classify_result(SimpleNamespace(headers={"Retry-After": "3"})) is None


def test_tornados_response_calls_its_status_code(classifier: ErrorClassifier) -> None:
    seen = classifier.classify_result(made("tornado.httpclient.HTTPResponse", code=503, headers={"Retry-After": "4"}))
    assert told(seen) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")
    assert seen is not None
    assert seen.retry_after == 4.0
    assert classifier.classify_result(made("tornado.httpclient.HTTPResponse", code=200, headers={})) is None


# -- values of which nothing is known, and hostile ones -----------------------------------------------------


class Loud:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")

    def __call__(self) -> None:
        raise AssertionError("it was called")

    def __iter__(self) -> Any:
        raise AssertionError("it was iterated")

    def __bool__(self) -> bool:
        raise AssertionError("it was asked whether it is true")

    def __len__(self) -> int:
        raise AssertionError("its length was asked for")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it was compared")

    __hash__ = None  # type: ignore[assignment]


OwnDict = type("OwnDict", (), {"__dict__": property(lambda self: 1 / 0)})
"""A class that makes something of its own of `__dict__`."""


@pytest.mark.parametrize(
    "value",
    [
        None, 0, 503, "error", b"", 1.5, True, [], [{"error": 1}], (), (1, 2), set(), object(), object, type, len,
        Loud(), OwnDict(), MagicMock(), gc, lambda: None, SimpleNamespace(), iter([1]), {}, {1: 2}, defaultdict(list),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_nothing_is_known_of_ordinary_values_and_nothing_of_them_is_called(
    classifier: ErrorClassifier, value: Any
) -> None:
    assert classifier.classify_result(value) is None


def test_a_response_whose_attributes_raise_is_no_failure(classifier: ErrorClassifier) -> None:
    class Broken:
        @property
        def status_code(self) -> int:
            raise RuntimeError

        headers = status_code

    class Exits:
        status = 503

        def __getattribute__(self, name: str) -> Any:
            raise ValueError

        headers: Any = {}

    assert classifier.classify_result(Broken()) is None
    assert classifier.classify_result(Exits()) is None


def test_what_fails_while_a_value_is_judged_is_no_failure_of_the_call(classifier: ErrorClassifier) -> None:
    class Hostile(str):
        __slots__ = ()

        def isidentifier(self) -> bool:
            raise RuntimeError

    assert classifier.classify_result({"ok": False, "error": Hostile("x")}) is None


def test_nothing_of_a_value_is_kept(classifier: ErrorClassifier) -> None:
    value = made("httpx.Response", status_code=503, headers={"Retry-After": "3"})
    gone = weakref.ref(value)
    assert classifier.classify_result(value) is not None
    del value
    gc.collect()
    assert gone() is None


def test_the_plans_for_types_are_bounded(classifier: ErrorClassifier) -> None:
    for number in range(_MOST_PLANS + 10):
        assert classifier.classify_result(type(f"Type{number}", (), {})()) is None
    judge = classifier._results
    assert judge is not None
    assert len(judge._rules.plans) == _MOST_PLANS


def test_a_returned_exception_is_judged_as_if_it_had_been_raised(classifier: ErrorClassifier) -> None:
    assert classifier.classify_result(ConnectionRefusedError()) == classifier.classify(ConnectionRefusedError())
    assert classifier.classify_result(type("OddError", (Exception,), {})()) is None


# -- replies of protocols -----------------------------------------------------------------------------------


def rpc(code: Any = -32603, message: Any = "broke", **others: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}, **others}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (rpc(jsonrpc="2.0", id=1), ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        (rpc(-32602, jsonrpc="2.0"), ("VALIDATION", "INVALID_INPUT", "never", "success")),
        (rpc(-32601), ("PERMANENT", "NOT_FOUND", "never", "success")),
        (rpc(7, jsonrpc="2.0"), ("EXTERNAL", "SERVER_ERROR", "never", "failure")),
        (rpc(7), None),
        (rpc("E7", jsonrpc="2.0"), None),
        (rpc(True, jsonrpc="2.0"), None),
        (rpc(message=None, jsonrpc="2.0"), None),
        ({"jsonrpc": "2.0", "error": "text"}, None),
        ({"jsonrpc": "2.0", "result": 1}, None),
        ({"error": "name is missing"}, None),
        ({"error": None}, None),
    ],
)
def test_a_json_rpc_error_is_judged_by_its_number(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted


NO_TOOL = ("PERMANENT", "MCP_TOOL_NOT_FOUND", "never", "success")
WRONG_ARGUMENTS = ("VALIDATION", "INVALID_INPUT", "never", "success")
TOOL_FAILED = ("EXTERNAL", "SERVER_ERROR", "never", "failure")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Unknown tool: search", NO_TOOL),
        ("MCP error -32602: Tool search not found", NO_TOOL),
        ("Tool search not found", NO_TOOL),
        (
            "Error executing tool search: 1 validation error for searchArguments\nquery\n  Field required",
            WRONG_ARGUMENTS,
        ),
        ("Input validation error: 'query' is a required property", WRONG_ARGUMENTS),
        ("MCP error -32602: Invalid arguments for tool search", WRONG_ARGUMENTS),
        ("Error executing tool search: 2 validation errors for Page", TOOL_FAILED),
        ("Error executing tool search: page not found", TOOL_FAILED),
        ("Error executing tool search", TOOL_FAILED),
        ("Error executing tool set_timeout", TOOL_FAILED),
        ("Error executing tool set_timeout: no such timer", TOOL_FAILED),
        ("Error calling tool 'rate limit'", TOOL_FAILED),
        ("Error executing tool search: Rate limit exceeded", ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        ("Error executing tool search: read timed out", ("TRANSIENT", "MCP_TIMEOUT", "idempotent", "failure")),
        ("Service Unavailable", ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")),
        ("502 Bad Gateway", ("TRANSIENT", "CONNECTION_ERROR", "idempotent", "failure")),
        (7, TOOL_FAILED),
        (None, TOOL_FAILED),
    ],
)
def test_a_tools_result_is_judged_by_its_text_in_every_version(
    classifier: ErrorClassifier, text: Any, wanted: Any
) -> None:
    content = [SimpleNamespace(type="text", text=text)]
    for value in (
        made("mcp.types.CallToolResult", content=content, isError=True),
        made("mcp_types._types.CallToolResult", content=content, is_error=True),
        made("fastmcp.client.client.CallToolResult", content=content, is_error=True),
        {"content": [{"type": "text", "text": text}], "isError": True},
        {"content": [{"type": "text", "text": text}], "is_error": True},
    ):
        assert told(classifier.classify_result(value)) == wanted


def test_a_tools_result_without_content_failed_and_one_that_is_no_error_did_not(classifier: ErrorClassifier) -> None:
    kind = "mcp.types.CallToolResult"
    assert told(classifier.classify_result(made(kind, content=[], isError=True))) == TOOL_FAILED
    assert classifier.classify_result(made(kind, content=[], isError=False)) is None
    assert classifier.classify_result({"isError": True}) is None
    assert classifier.classify_result({"isError": 1, "content": []}) is None
    assert classifier.classify_result({"is_error": False, "content": []}) is None


def graphql(*errors: Any, **others: Any) -> dict[str, Any]:
    return {"data": None, "errors": list(errors), **others}


def coded(code: Any) -> dict[str, Any]:
    return {"message": "no", "extensions": {"code": code}}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (graphql(coded("INTERNAL_SERVER_ERROR")), ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        (graphql(coded("THROTTLED")), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        (graphql(coded("access-denied")), ("AUTH", "FORBIDDEN", "never", "success")),
        (graphql(coded("BAD_USER_INPUT")), ("VALIDATION", "BAD_REQUEST", "never", "success")),
        (graphql(coded(503)), ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")),
        (graphql(coded("ThrottlingException")), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        (graphql({"message": "no", "type": "RATE_LIMITED"}), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        (graphql(coded(None), coded("UNAUTHENTICATED")), ("AUTH", "UNAUTHENTICATED", "never", "success")),
        ({"errors": [coded("FORBIDDEN")]}, ("AUTH", "FORBIDDEN", "never", "success")),
        (graphql(coded("MINE")), ("EXTERNAL", "SERVER_ERROR", "never", "success")),
        (graphql({"message": "no", "locations": []}), ("EXTERNAL", "SERVER_ERROR", "never", "success")),
        ({"errors": [coded("MINE")]}, None),
        (graphql({"message": "no"}), None),
        (graphql("no"), None),
        (graphql({"message": 7}), None),
        (graphql(coded("FORBIDDEN"), extra=1), None),
        (graphql(coded("FORBIDDEN"), **{f"key{n}": n for n in range(9)}), None),
        (graphql(), None),
        ({"errors": {"name": "is missing"}}, None),
        ({"errors": 3}, None),
        ({"errors": [{"message": "Name is missing", "field": "name"}]}, None),
    ],
)
def test_a_graphql_response_is_judged_by_the_first_known_code(
    classifier: ErrorClassifier, value: Any, wanted: Any
) -> None:
    assert told(classifier.classify_result(value)) == wanted


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        (8, ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "idempotent", "ignore")),
        (14, ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")),
        (5, ("PERMANENT", "NOT_FOUND", "never", "success")),
        (1, ("CANCELLED", "CANCELLED", "never", "ignore")),
        (16, ("AUTH", "UNAUTHENTICATED", "never", "success")),
        (0, None),
        (99, None),
        (None, None),
    ],
)
def test_an_operation_that_is_done_is_judged_by_its_error(classifier: ErrorClassifier, code: Any, wanted: Any) -> None:
    error = SimpleNamespace(code=code, message="no")
    operation = made("google.longrunning.operations_pb2.Operation", done=True, error=error)
    assert told(classifier.classify_result(operation)) == wanted
    bare = {"name": "operations/1", "done": True, "error": {"code": code, "message": "no"}}
    assert told(classifier.classify_result(bare)) == wanted
    assert told(classifier.classify_result(made("google.rpc.status_pb2.Status", code=code))) == wanted


def test_an_operation_that_is_under_way_or_lacks_a_name_is_no_failure(classifier: ErrorClassifier) -> None:
    error = SimpleNamespace(code=8)
    assert (
        classifier.classify_result(made("google.longrunning.operations_pb2.Operation", done=False, error=error)) is None
    )
    assert classifier.classify_result({"done": True, "error": {"code": 8, "message": "no"}}) is None
    assert classifier.classify_result({"name": "x", "done": True, "error": "no"}) is None


@pytest.mark.parametrize("status", [1, 75, 127, -9, -15, 0, None])
def test_a_process_is_judged_by_its_exit_status_as_the_error_would_be(
    classifier: ErrorClassifier, status: int | None
) -> None:
    seen = classifier.classify_result(subprocess.CompletedProcess("x", status))  # type: ignore[arg-type]
    if not status:
        assert seen is None
    else:
        wanted = classifier.classify(subprocess.CalledProcessError(status, "x"))
        assert seen == wanted.because(f"exit status {status}")


# -- services -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"ok": False, "error": "ratelimited"}, ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        ({"ok": False, "error": "internal_error"}, ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        ({"ok": False, "error": "request_timeout"}, ("TRANSIENT", "REQUEST_TIMEOUT", "idempotent", "failure")),
        ({"ok": False, "error": "invalid_auth"}, ("AUTH", "UNAUTHENTICATED", "never", "success")),
        ({"ok": False, "error": "channel_not_found"}, ("PERMANENT", "NOT_FOUND", "never", "success")),
        ({"ok": False, "error": "invalid_blocks"}, ("VALIDATION", "BAD_REQUEST", "never", "success")),
        ({"ok": False, "error": "The name is missing"}, None),
        ({"ok": False, "error": "E" * 80}, None),
        ({"ok": False, "error": "NotFound"}, None),
        ({"ok": False, "error": 7}, None),
        ({"ok": False}, None),
        ({"ok": 0, "error": "ratelimited"}, None),
        ({"ok": True, "error": "ratelimited"}, None),
        (
            {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked"},
            ("AUTH", "FORBIDDEN", "never", "success"),
        ),
        ({"ok": False, "error_code": 429}, None),
    ],
)
def test_what_is_not_ok_is_judged_by_its_word_or_number(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted


def test_telegram_says_how_long_to_wait(classifier: ErrorClassifier) -> None:
    value: dict[str, Any] = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    for wait, seconds in ((35, 35.0), (-1, None), ("35", None), (True, None), (float("nan"), None)):
        seen = classifier.classify_result({**value, "parameters": {"retry_after": wait}})
        assert seen is not None
        assert seen.retry_after == seconds


def test_slacks_response_is_judged_by_its_data_else_by_its_status(classifier: ErrorClassifier) -> None:
    def slack(data: Any, status: int = 200) -> Classification | None:
        kind = "slack_sdk.web.slack_response.SlackResponse"
        return classifier.classify_result(made(kind, data=data, status_code=status, headers={"Retry-After": "30"}))

    limited = slack({"ok": False, "error": "ratelimited"}, 429)
    assert limited is not None
    assert (limited.code, limited.retry_after) == ("EXTERNAL_RATE_LIMITED", 30.0)
    assert slack({"ok": True}) is None
    broken = slack(b"<html>", 502)
    assert broken is not None
    assert broken.code == "BAD_GATEWAY"


STATUS = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"}
GONE = ("PERMANENT", "GONE", "never", "success")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (STATUS, GONE),
        ({"type": "ERROR", "object": STATUS}, GONE),
        ({"type": "ERROR", "object": None, "raw_object": STATUS}, GONE),
        (made("kubernetes.client.models.v1_status.V1Status", **STATUS), GONE),
        ({"type": "ERROR", "object": {"kind": "Pod"}}, None),
        ({"type": "ADDED", "object": STATUS}, None),
        ({**STATUS, "status": "Success"}, None),
        ({**STATUS, "code": 7}, None),
        ({"kind": "Status"}, None),
    ],
)
def test_a_status_of_kubernetes_is_judged_by_its_code(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted


@pytest.mark.parametrize("name", ["retryAfterSeconds", "retry_after_seconds"])
def test_kubernetes_says_how_long_to_wait(classifier: ErrorClassifier, name: str) -> None:
    seen = classifier.classify_result({**STATUS, "code": 429, "details": {name: 3}})
    assert seen is not None
    assert seen.retry_after == 3.0


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, "EXTERNAL_RATE_LIMITED"),
        ({"error": {"code": 429, "message": "m", "status": "MINE"}}, None),
        ({"error": {"code": 429, "message": "m"}}, None),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "EXTERNAL_UNAVAILABLE"),
        ({"type": "error", "error": {"type": "mine", "message": "m"}}, None),
        ({"type": "error", "error": {"type": 7, "message": "m"}}, None),
        ({"error": {"message": "m", "type": "server_error", "code": None, "param": None}}, "SERVER_ERROR"),
        ({"error": {"message": "m", "type": "x", "code": "insufficient_quota", "param": None}}, "QUOTA_EXHAUSTED"),
        ({"error": {"message": "m", "type": "x", "code": "x", "param": None}}, None),
        ({"error": {"type": "overloaded_error", "message": "m"}}, None),
        ({"error": {"type": "overloaded_error"}}, None),
    ],
)
def test_the_error_bodies_of_google_anthropic_and_openai_are_known(
    classifier: ErrorClassifier, value: Any, code: str | None
) -> None:
    seen = classifier.classify_result(value)
    assert (None if seen is None else seen.code) == code


# -- batches ------------------------------------------------------------------------------------------------


def bulk(*statuses: Any, errors: Any = True) -> dict[str, Any]:
    return {"took": 3, "errors": errors, "items": [{"index": {"_id": "1", "status": status}} for status in statuses]}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (bulk(201, 429), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "idempotent", "ignore")),
        (bulk(429, 429), ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")),
        (bulk(503, 429), ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")),
        (bulk(429, 400), ("VALIDATION", "BAD_REQUEST", "never", "success")),
        (bulk(201, 409), ("PERMANENT", "CONFLICT", "never", "success")),
        (bulk(201), ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        (bulk(*[201] * 2000, 429), ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        (bulk(201, errors=False), None),
        (bulk(429, errors=1), None),
        (bulk(), None),
        ({"errors": True, "items": [{"index": {}, "create": {}}]}, None),
        ({"errors": True, "items": [{"line": {"status": 429}}]}, None),
        ({"errors": True, "items": ["no"]}, None),
        ({"errors": True, "items": 3}, None),
    ],
)
def test_a_bulk_reply_is_judged_by_the_worst_of_its_items(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted
    assert told(classifier.classify_result(made("elastic_transport.ObjectApiResponse", body=value))) == wanted


def test_a_reply_of_elasticsearch_with_another_body_is_none(classifier: ErrorClassifier) -> None:
    assert classifier.classify_result(made("elastic_transport.ObjectApiResponse", body=[1])) is None


LIMITED = ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "idempotent", "ignore")
ALL_LIMITED = ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")
NOT_TAKEN = ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")
THROTTLED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "m"}
TAKEN = {"SequenceNumber": "1", "ShardId": "2"}


def entry(code: str, fault: Any) -> dict[str, Any]:
    return {"Id": "1", "Code": code, "SenderFault": fault, "Message": "m"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"UnprocessedItems": {"table": [{"PutRequest": {}}]}, "ResponseMetadata": {}}, LIMITED),
        ({"UnprocessedKeys": {"table": {"Keys": [{"id": {"S": "1"}}]}}}, LIMITED),
        ({"UnprocessedItems": {}}, None),
        ({"UnprocessedItems": {"table": []}}, None),
        ({"UnprocessedItems": {1: [1]}}, None),
        ({"UnprocessedItems": ["a"]}, None),
        ({"UnprocessedKeys": {"table": 3}}, None),
        ({"FailedRecordCount": 1, "Records": [TAKEN, THROTTLED]}, LIMITED),
        ({"FailedRecordCount": 2, "Records": [THROTTLED, THROTTLED]}, ALL_LIMITED),
        ({"FailedRecordCount": 1, "Records": [{"ErrorCode": "InternalFailure"}, TAKEN]}, NOT_TAKEN),
        ({"FailedRecordCount": 1, "Records": [{"ErrorCode": "Qwertz"}, TAKEN]}, NOT_TAKEN),
        ({"FailedRecordCount": 0, "Records": [TAKEN]}, None),
        ({"FailedRecordCount": 1, "Records": [TAKEN]}, None),
        ({"FailedRecordCount": 1}, None),
        ({"FailedRecordCount": True, "Records": [THROTTLED]}, None),
        ({"FailedPutCount": 1, "RequestResponses": [{"RecordId": "1"}, THROTTLED]}, LIMITED),
        ({"FailedEntryCount": 1, "Entries": [{"EventId": "1"}, THROTTLED]}, LIMITED),
        ({"Failed": [entry("InternalError", False)], "Successful": [1]}, NOT_TAKEN),
        ({"Failed": [entry("Qwertz", False)], "Successful": [1]}, NOT_TAKEN),
        ({"Failed": [entry("Qwertz", True)]}, ("VALIDATION", "BAD_REQUEST", "never", "success")),
        ({"Failed": [entry("RequestThrottled", True)]}, ALL_LIMITED),
        ({"Failed": [entry("Qwertz", None)]}, None),
        ({"Failed": [{"Id": "1", "SenderFault": True}]}, None),
        ({"Failed": ["job 3"]}, None),
        ({"Failed": []}, None),
        ({"Failed": 3}, None),
        ({"Errors": [{"Key": "k", "Code": "SlowDown", "Message": "m"}], "Deleted": [1]}, LIMITED),
        ({"Errors": [{"Key": "k", "Code": "Qwertz"}]}, NOT_TAKEN),
        ({"Errors": [{"Key": "k"}]}, None),
        ({"Errors": []}, None),
        ({"StatusCode": 200, "FunctionError": "Unhandled", "Payload": object()}, NOT_TAKEN),
        ({"FunctionError": "Unhandled"}, None),
        ({"FunctionError": None, "StatusCode": 200}, None),
    ],
)
def test_the_replies_of_aws_tell_what_was_left_undone(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted


class SmtpReply(NamedTuple):
    code: int
    message: str


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"a@b": (450, b"busy")}, ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")),
        ({"a@b": (450, b"busy"), "c@d": (550, b"no")}, ("PERMANENT", "BAD_REQUEST", "never", "failure")),
        (({"a@b": SmtpReply(451, "busy")}, "OK"), ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")),
        (
            {f"{n}@b": (450, b"busy") for n in range(1500)},
            ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure"),
        ),
        (({}, "OK"), None),
        ({"a@b": (250, b"fine")}, None),
        ({"a@b": (450, 3)}, None),
        ({"a@b": (450, b"busy", 1)}, None),
        ({"a@b": [450, b"busy"]}, None),
        ({"a@b": "note"}, None),
        ({"ab": (450, b"busy")}, None),
        ({3: (450, b"busy")}, None),
        ((1, 2), None),
    ],
    ids=range(13),
)
def test_refused_recipients_are_judged_by_their_replies(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted


def test_a_large_dict_and_a_dict_of_a_class_of_its_own_are_looked_at_for_known_keys_only(
    classifier: ErrorClassifier,
) -> None:
    class Own(dict[str, Any]):
        def __iter__(self) -> Any:
            raise AssertionError("it was iterated")

        def get(self, *_args: Any) -> Any:
            raise AssertionError("it was asked")

        __contains__ = __getitem__ = keys = items = get

    large = {f"key{number}": number for number in range(1000)}
    assert classifier.classify_result(large) is None
    assert told(classifier.classify_result({**large, "ok": False, "error": "internal_error"})) == NOT_TAKEN
    assert told(classifier.classify_result(Own(ok=False, error="internal_error"))) == NOT_TAKEN
    assert classifier.classify_result(Own(name="kelp")) is None


# -- answers of language models -----------------------------------------------------------------------------


class Finish(enum.Enum):
    STOP = "STOP"
    SAFETY = "SAFETY"
    MAX_TOKENS = "MAX_TOKENS"
    MALFORMED_FUNCTION_CALL = "MALFORMED_FUNCTION_CALL"


CUT_OFF = ("PERMANENT", "INVALID_RESPONSE", "never", "success")
REFUSED = ("PERMANENT", "FORBIDDEN", "never", "success")
GARBLED = ("EXTERNAL", "INVALID_RESPONSE", "idempotent", "failure")


def completion(*choices: Any) -> dict[str, Any]:
    return {"object": "chat.completion", "choices": list(choices)}


def choice(reason: Any, refusal: Any = None) -> dict[str, Any]:
    return {"finish_reason": reason, "message": {"content": "x", "refusal": refusal}}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (completion(choice("length")), CUT_OFF),
        (completion(choice("content_filter")), REFUSED),
        (completion(choice("stop", "I cannot")), REFUSED),
        (completion(choice("error")), GARBLED),
        (completion(choice("length"), choice("content_filter")), CUT_OFF),
        (completion(choice("length"), choice("stop")), None),
        (completion(choice("stop")), None),
        (completion(choice("tool_calls")), None),
        (completion(choice(None)), None),
        (completion(), GARBLED),
        ({"object": "chat.completion", "choices": None}, GARBLED),
        ({"object": "chat.completion", "choices": "odd"}, None),
    ],
)
def test_a_chat_completion_is_judged_by_why_it_ended(classifier: ErrorClassifier, value: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(value)) == wanted
    assert classifier.classify_result({**value, "object": "chat.completion.chunk"}) is None
    kind = "openai.types.chat.chat_completion.ChatCompletion"
    assert told(classifier.classify_result(made(kind, choices=value["choices"]))) == wanted


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"status": "failed", "error": {"code": "rate_limit_exceeded"}}, ALL_LIMITED),
        ({"status": "failed", "error": None}, NOT_TAKEN),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, CUT_OFF),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, REFUSED),
        ({"status": "completed"}, None),
    ],
)
def test_a_response_of_openai_is_judged_by_its_status(classifier: ErrorClassifier, fields: Any, wanted: Any) -> None:
    assert told(classifier.classify_result(made("openai.types.responses.response.Response", **fields))) == wanted
    bare = {"incomplete_details": None, **fields}
    assert told(classifier.classify_result({"object": "response", **bare})) == wanted
    assert classifier.classify_result({"object": "thing", **bare}) is None


@pytest.mark.parametrize(
    ("reason", "wanted"), [("max_tokens", CUT_OFF), ("refusal", REFUSED), ("end_turn", None), ("tool_use", None)]
)
def test_a_message_of_anthropic_is_judged_by_why_it_ended(
    classifier: ErrorClassifier, reason: str, wanted: Any
) -> None:
    assert told(classifier.classify_result(made("anthropic.types.message.Message", stop_reason=reason))) == wanted
    bare = {"type": "message", "role": "assistant", "stop_reason": reason}
    assert told(classifier.classify_result(bare)) == wanted
    assert classifier.classify_result({**bare, "role": "user"}) is None
    converse = {"stopReason": reason, "output": {"message": {}}}
    assert told(classifier.classify_result(converse)) == wanted
    assert classifier.classify_result({"stopReason": reason}) is None


@pytest.mark.parametrize(
    ("candidates", "feedback", "wanted"),
    [
        ([{"finish_reason": Finish.SAFETY}], None, REFUSED),
        ([{"finish_reason": Finish.MAX_TOKENS}], None, CUT_OFF),
        ([{"finish_reason": Finish.MALFORMED_FUNCTION_CALL}], None, GARBLED),
        ([{"finish_reason": Finish.SAFETY}, {"finish_reason": Finish.STOP}], None, None),
        ([{"finishReason": "MAX_TOKENS"}], None, CUT_OFF),
        ([], None, GARBLED),
        (None, None, GARBLED),
        (None, {"block_reason": "SAFETY"}, REFUSED),
    ],
)
def test_an_answer_of_gemini_is_judged_by_its_candidates(
    classifier: ErrorClassifier, candidates: Any, feedback: Any, wanted: Any
) -> None:
    kind = "google.genai.types.GenerateContentResponse"
    value = made(kind, candidates=candidates, prompt_feedback=feedback)
    assert told(classifier.classify_result(value)) == wanted
    bare = {"candidates": candidates, "prompt_feedback": feedback, "usageMetadata": {}}
    assert told(classifier.classify_result(bare)) == wanted
    assert classifier.classify_result({**bare, "usageMetadata": None}) is None


def test_other_models_answers_are_known_too(classifier: ErrorClassifier) -> None:
    assert told(classifier.classify_result(made("cohere.types.ChatResponse", finish_reason="MAX_TOKENS"))) == CUT_OFF
    assert told(classifier.classify_result(made("ollama._types.ChatResponse", done_reason="length"))) == CUT_OFF
    kind = "langchain_core.messages.ai.AIMessage"
    for metadata, wanted in (({"finish_reason": "length"}, CUT_OFF), ({"stop_reason": "end_turn"}, None), (None, None)):
        assert told(classifier.classify_result(made(kind, response_metadata=metadata))) == wanted


# -- what values say of themselves, and what users register -------------------------------------------------

BUSY = Classification(category="TRANSIENT", code="BUSY")


def test_a_value_may_say_what_it_is(classifier: ErrorClassifier) -> None:
    class Said:
        def __resilience__(self) -> Classification | None:
            return BUSY if self.__dict__ else None

    said = Said()
    assert classifier.classify_result(said) is None
    said.__dict__["x"] = 1
    assert classifier.classify_result(said) is BUSY
    assert classifier.classify_result(SimpleNamespace(__resilience__=BUSY)) is BUSY
    assert classifier.classify_result(SimpleNamespace(__resilience__="odd")) is None


class Job:
    def __init__(self, state: str = "BUSY") -> None:
        self.state = state


class Night(Job):
    pass


def code_of(classifier: ErrorClassifier, value: object) -> str | None:
    seen = classifier.classify_result(value)
    return None if seen is None else str(seen.code)


def test_a_rule_for_a_type_and_one_for_a_predicate_can_be_taken_back(classifier: ErrorClassifier) -> None:
    by_type = classifier.register_result(Job, category="TRANSIENT", code="TYPE")
    by_subclass = classifier.register_result(Night, category="TRANSIENT", code="SUBCLASS")
    assert (code_of(classifier, Job()), code_of(classifier, Night())) == ("TYPE", "SUBCLASS")
    by_predicate = classifier.register_result(lambda value: value == 7, category="TRANSIENT", code="SEVEN")
    assert (code_of(classifier, 7), code_of(classifier, 8)) == ("SEVEN", None)
    for unregister in (by_predicate, by_subclass, by_type, by_type):
        unregister()
    assert (code_of(classifier, 7), code_of(classifier, Night()), code_of(classifier, Job())) == (None, None, None)


def test_any_class_may_be_named_also_builtin_ones_and_those_that_take_others_in(classifier: ErrorClassifier) -> None:
    class Duck(abc.ABC):  # noqa: B024
        pass

    class Own(Duck):
        pass

    Duck.register(Job)
    classifier.register_result(object, category="UNKNOWN", code="ANYTHING")
    classifier.register_result(Duck, category="TRANSIENT", code="DUCK")
    classifier.register_result((type(None), bool), category="TRANSIENT", code="NOTHING")
    assert [code_of(classifier, value) for value in (None, True, Job(), Own(), 3)] == [
        "NOTHING", "NOTHING", "DUCK", "DUCK", "ANYTHING",
    ]  # fmt: skip


def test_without_a_category_only_failures_are_changed(classifier: ErrorClassifier) -> None:
    classifier.register_result(SimpleNamespace, retry_scope="idempotent")
    classifier.register_result(SimpleNamespace, retry_after=lambda result: result.wait)
    seen = classifier.classify_result(SimpleNamespace(status_code=503, headers={}, wait=9))
    assert seen is not None
    assert (seen.retry_scope, seen.retry_after, seen.code) == ("idempotent", 9.0, "EXTERNAL_UNAVAILABLE")
    assert classifier.classify_result(SimpleNamespace(status_code=200, headers={}, wait=9)) is None


def test_a_whole_rule_reads_the_servers_waiting_time_unless_it_has_its_own(classifier: ErrorClassifier) -> None:
    value = response(200, {"Retry-After": "5"})
    unregister = classifier.register_result(SimpleNamespace, category="TRANSIENT")
    seen = classifier.classify_result(value)
    assert seen is not None
    assert seen.retry_after == 5.0
    unregister()
    classifier.register_result(SimpleNamespace, category="TRANSIENT", retry_after=2)
    classifier.register_result(SimpleNamespace, reason="mine")
    seen = classifier.classify_result(value)
    assert seen is not None
    assert (seen.retry_after, seen.reason) == (2.0, "mine")


def test_a_rule_may_say_that_something_is_no_failure(classifier: ErrorClassifier) -> None:
    unregister = classifier.register_result(lambda value: value.status_code == 503, failure=False)
    assert classifier.classify_result(response(503)) is None
    assert classifier.classify_result(response(502)) is not None
    unregister()
    assert classifier.classify_result(response(503)) is not None


def test_a_predicate_that_raises_means_no_and_is_logged_once(
    classifier: ErrorClassifier, caplog: pytest.LogCaptureFixture
) -> None:
    classifier.register_result(lambda value: 1 / 0, failure=False)
    with caplog.at_level(logging.WARNING, logger="holdfast.errors"):
        for _ in range(3):
            assert classifier.classify_result(response(503)) is not None
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("matcher", "given", "part"),
    [
        (
            7,
            {"category": "AUTH"},
            "register_result: the first argument must be a type, a tuple of them, or a function of the",
        ),
        ((), {"category": "AUTH"}, "register_result: the tuple of types is empty"),
        (Job, {}, r"register_result\(.*Job\): no verdict was given"),
        (Job, {"retry_after": "soon"}, r"register_result\(.*Job\): retry_after must be"),
        (Job, {"failure": False, "code": "X"}, "given alone, False"),
        (Job, {"failure": None, "category": "AUTH"}, "failure must be True"),
    ],
)
def test_what_cannot_be_a_rule_for_results_is_refused(
    classifier: ErrorClassifier, matcher: Any, given: dict[str, Any], part: str
) -> None:
    with pytest.raises(ConfigurationError, match=part):
        classifier.register_result(matcher, **given)


def test_rules_for_errors_and_for_results_are_apart(classifier: ErrorClassifier) -> None:
    classifier.register(KeyError, category="TRANSIENT", code="ERROR")
    classifier.register_result(int, category="TRANSIENT", code="RESULT")
    assert classifier.classify(ValueError()).code == "INVALID_INPUT"
    assert code_of(classifier, KeyError()) == "ERROR", "it is judged as if it had been raised"
    assert code_of(classifier, 7) == "RESULT"
