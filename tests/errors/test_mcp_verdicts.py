"""MCP and JSON-RPC errors, streams of anyio and trio, and cancellation, recognised by name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded

from holdfast.errors import ErrorClassifier

Wanted = tuple[str, str, str, str]

SESSION_GONE = ("TRANSIENT", "MCP_CONNECTION_FAILED", "reconnect", "failure")
TIMED_OUT = ("TRANSIENT", "MCP_TIMEOUT", "idempotent", "failure")
NO_TOOL = ("PERMANENT", "MCP_TOOL_NOT_FOUND", "never", "success")
NOT_FOUND = ("PERMANENT", "NOT_FOUND", "never", "success")
SERVER_FAILED = ("EXTERNAL", "SERVER_ERROR", "never", "failure")
WRONG_SETUP = ("CONFIGURATION", "INVALID_CONFIGURATION", "never", "success")
STREAM_GONE = ("TRANSIENT", "CONNECTION_CLOSED", "reconnect", "failure")


def told(error: BaseException) -> Wanted:
    verdict = ErrorClassifier().classify(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


def version_1(code: int, message: str) -> BaseException:
    """The Python SDK before 2.0: the number is on `.error` only."""
    return bearing(
        recorded("mcp.shared.exceptions.McpError")(message), error=Bag(code=code, message=message, data=None)
    )


def version_2(code: int, message: str) -> BaseException:
    """The Python SDK from 2.0 on: properties `code` and `message` besides `.error`."""
    shape = recorded(
        "mcp.shared.exceptions.MCPError",
        code=property(lambda self: self.error.code),
        message=property(lambda self: self.error.message),
    )
    return bearing(shape(code, message), error=Bag(code=code, message=message, data=None))


BOTH_VERSIONS: list[tuple[int, str, Wanted]] = [
    (-32700, "Parse error", ("EXTERNAL", "INVALID_JSON", "never", "failure")),
    (-32600, "Invalid request", ("VALIDATION", "BAD_REQUEST", "never", "success")),
    (-32600, "Session terminated", SESSION_GONE),
    (32600, "Session terminated", SESSION_GONE),
    (-32600, "Unexpected content type: text/html", ("EXTERNAL", "INVALID_RESPONSE", "never", "failure")),
    (-32601, "Method not found", NOT_FOUND),
    (-32601, "Tool not found: search", NO_TOOL),
    (-32602, "Invalid params", ("VALIDATION", "INVALID_INPUT", "never", "success")),
    (-32602, "Unknown tool: search", NO_TOOL),
    (-32602, "MCP error -32602: Tool search not found", NO_TOOL),
    (-32603, "Internal error", ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
    (-32603, "Server returned an error response", ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
    (0, "Missing required arguments: {'who'}", ("VALIDATION", "INVALID_INPUT", "never", "success")),
    (-32000, "Connection closed", SESSION_GONE),
    (-32001, "Request timed out", TIMED_OUT),
    (408, "Timed out while waiting for response", TIMED_OUT),
    (-32002, "Resource not found", NOT_FOUND),
    (-32020, "Header mismatch", ("EXTERNAL", "INVALID_RESPONSE", "always", "failure")),
    (-32021, "Missing required client capability", WRONG_SETUP),
    (-32022, "Unsupported protocol version", WRONG_SETUP),
    (-32042, "URL elicitation required", ("AUTH", "UNAUTHENTICATED", "never", "success")),
    (-32050, "custom", SERVER_FAILED),
    (-1, "custom", SERVER_FAILED),
    (0, "Unknown resource", NOT_FOUND),
]


@pytest.mark.parametrize(("code", "message", "wanted"), BOTH_VERSIONS)
def test_mcp_errors_of_both_sdk_versions_have_one_verdict(code: int, message: str, wanted: Wanted) -> None:
    assert told(version_1(code, message)) == wanted
    assert told(version_2(code, message)) == wanted


def test_an_mcp_error_that_has_only_its_own_code_is_judged_by_it() -> None:
    assert told(bearing(recorded("mcp.MCPError")("x"), code=-32001)) == TIMED_OUT


def test_an_mcp_error_without_a_number_or_message_is_not_guessed_at() -> None:
    assert told(recorded("mcp.shared.exceptions.McpError")("x")) == ("UNKNOWN", "UNKNOWN", "never", "failure")
    assert told(bearing(recorded("mcp.McpError")("x"), error=Bag(code=-32602, message=None))) == (
        "VALIDATION",
        "INVALID_INPUT",
        "never",
        "success",
    )


@pytest.mark.parametrize("data", [None, "soon", {"retry_after": "9"}, {"retry_after": -1}, {"retryAfter": True}, [9]])
def test_a_waiting_time_of_any_other_shape_is_no_waiting_time(data: Any) -> None:
    limited = bearing(recorded("mcp.MCPError")("x"), error=Bag(code=-32000, message="Rate limit exceeded", data=data))
    verdict = ErrorClassifier().classify(limited)
    assert (verdict.code, verdict.retry_after) == ("EXTERNAL_RATE_LIMITED", None)


def test_a_status_in_the_text_of_a_failed_authorisation_counts_only_where_the_client_puts_it() -> None:
    for words in ("Token exchange failed (200): 503", "Registration failed: x 503", "failed", ""):
        assert told(recorded("mcp.client.auth.OAuthTokenError")(words))[0] == "AUTH"


def test_a_subclass_of_an_mcp_error_is_recognised_too() -> None:
    base = type(version_1(-32042, "x"))
    error = recorded("mcp.shared.exceptions.UrlElicitationRequiredError", base)("x")
    assert told(bearing(error, error=Bag(code=-32042, message="x")))[0] == "AUTH"


@pytest.mark.parametrize(
    ("path", "message", "wanted"),
    [
        ("mcp.client.subscriptions.SubscriptionLost", "x", SESSION_GONE),
        ("mcp.client.auth.exceptions.OAuthTokenError", "x", ("AUTH", "UNAUTHENTICATED", "never", "success")),
        ("fastmcp.exceptions.ToolError", "Unknown tool: 'search'", NO_TOOL),
        ("fastmcp.exceptions.ToolError", "Error calling tool 'search'", SERVER_FAILED),
        ("fastmcp.exceptions.NotFoundError", "x", NOT_FOUND),
        ("anyio.BrokenResourceError", "", STREAM_GONE),
        ("anyio._core._exceptions.ClosedResourceError", "", STREAM_GONE),
        ("anyio.EndOfStream", "", STREAM_GONE),
        ("trio.ClosedResourceError", "", STREAM_GONE),
        ("trio._channel.BrokenResourceError", "", STREAM_GONE),
        ("anyio.IncompleteRead", "", ("TRANSIENT", "INCOMPLETE_READ", "idempotent", "failure")),
        ("anyio.BusyResourceError", "reading", ("INTERNAL", "INTERNAL_ERROR", "never", "ignore")),
        ("anyio.WouldBlock", "", ("RESOURCE", "POOL_EXHAUSTED", "always", "ignore")),
        ("trio.TooSlowError", "", ("TRANSIENT", "TIMEOUT", "idempotent", "failure")),
        ("somewhere.McpError", "x", ("UNKNOWN", "UNKNOWN", "never", "failure")),
    ],
)
def test_known_names_are_recognised_in_their_package_only(path: str, message: str, wanted: Wanted) -> None:
    assert told(recorded(path)(message)) == wanted


def test_a_connection_that_failed_is_judged_by_its_cause_if_that_says_more() -> None:
    failed = recorded("anyio.ConnectionFailed", OSError)
    assert told(failed("All connection attempts failed")) == ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")
    assert told(caused(failed("x"), OSError(28, "disk"))) == ("RESOURCE", "DISK_FULL", "never", "ignore")
    assert told(caused(failed("x"), Exception("?"))) == ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")


@pytest.mark.parametrize(
    ("detail", "wanted"),
    [
        ({"code": -32601}, NOT_FOUND),
        ({"error": {"code": -32700, "message": "x"}}, ("EXTERNAL", "INVALID_JSON", "never", "failure")),
        ({"error": Bag(code=-32603)}, ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")),
        ({"code": -32000}, SERVER_FAILED),
        ({"error": {"code": "x"}}, ("UNKNOWN", "UNKNOWN", "never", "failure")),
        ({"code": True}, ("UNKNOWN", "UNKNOWN", "never", "failure")),
        ({"code": -32768 - 1}, ("UNKNOWN", "UNKNOWN", "never", "failure")),
    ],
)
def test_json_rpc_errors_of_other_libraries_are_judged_by_number(detail: dict[str, Any], wanted: Wanted) -> None:
    assert told(bearing(recorded("jsonrpcclient.RpcError")("x"), **detail)) == wanted


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        recorded("concurrent.futures._base.CancelledError")(),
        recorded("trio.Cancelled", BaseException)(),
        recorded("app.TaskStopped", asyncio.CancelledError)(),
        recorded("app.Interrupted", KeyboardInterrupt)(),
    ],
)
def test_cancellation_is_known_by_its_own_type(error: BaseException) -> None:
    verdict = ErrorClassifier().classify(error)
    assert (verdict.category, verdict.retryable, verdict.trips_circuit) == ("CANCELLED", False, False)
