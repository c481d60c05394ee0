"""Replies of protocols that tell a failure in their body, and processes that tell it by their exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..http import STATUSES, as_status
from ..json_rpc import by_json_rpc_number, is_json_rpc_number
from ..known.grpc import MEANINGS
from ..recognition import Table, table, verdict
from ..stdlib import by_exit_status
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..tool_words import by_tool_words
from .parts import entries, known_code, part, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification

# -- JSON-RPC -------------------------------------------------------------------------------------------------


def json_rpc(value: Any) -> Classification | None:
    """Judge `{"jsonrpc": "2.0", "error": {"code": …, "message": …}}`; the reserved numbers speak for themselves."""
    error = part(value, "error")
    number = whole(part(error, "code"))
    if type(error) is not dict or number is None or not isinstance(error.get("message"), str):
        return None
    if part(value, "jsonrpc") == "2.0" or is_json_rpc_number(number):
        return by_json_rpc_number(number)
    return None


# -- MCP ------------------------------------------------------------------------------------------------------


def tool_result(value: Any) -> Classification | None:
    """Judge the result of a tool: `isError` in the protocol and in version 1 of the SDK, `is_error` in version 2."""
    if part(value, "isError") is not True and part(value, "is_error") is not True:
        return None
    content = entries(part(value, "content"))
    if content is None:
        return None
    return by_tool_words(text(part(content[0], "text")) if content else "")


# -- GraphQL --------------------------------------------------------------------------------------------------

_BAD_QUERY = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent")

# The codes of Apollo, Hasura, Shopify, GitHub and others, in upper case and with underscores.
_GRAPHQL: dict[str, Classification] = {
    code: meaning.because(f"GraphQL error {code}")
    for codes, meaning in {
        "GRAPHQL_PARSE_FAILED GRAPHQL_VALIDATION_FAILED BAD_USER_INPUT BAD_REQUEST VALIDATION_FAILED": _BAD_QUERY,
        "PARSE_FAILED CONSTRAINT_VIOLATION DATA_EXCEPTION INVALID ARGUMENT_ERROR MAX_COST_EXCEEDED": _BAD_QUERY,
        "PERSISTED_QUERY_NOT_FOUND PERSISTED_QUERY_NOT_SUPPORTED OPERATION_RESOLUTION_FAILURE": _BAD_QUERY,
        "UNAUTHENTICATED INVALID_JWT INVALID_HEADERS": _NOT_LET_IN,
        "FORBIDDEN ACCESS_DENIED PERMISSION_ERROR INSUFFICIENT_SCOPES": _NOT_ALLOWED,
        "NOT_FOUND NOT_EXISTS": _NOT_FOUND,
        "THROTTLED RATE_LIMITED RATE_LIMIT RATELIMITED TOO_MANY_REQUESTS": _LIMITED,
        "INTERNAL_SERVER_ERROR INTERNAL UNEXPECTED POSTGRES_ERROR DOWNSTREAM_SERVICE_ERROR": _SERVER_BROKE,
        "SERVICE_UNAVAILABLE UNAVAILABLE TIMEOUT REQUEST_TIMEOUT GATEWAY_TIMEOUT": _UNAVAILABLE,
    }.items()
    for code in codes.split()
}
_MEMBERS = frozenset({"data", "errors", "extensions", "hasNext", "label", "path", "incremental"})
_OTHER_GRAPHQL = verdict(
    Category.EXTERNAL, Code.SERVER_ERROR, "never", "success", reason="GraphQL error of another kind"
)


def graphql(value: Any) -> Classification | None:
    """Judge `{"data": …, "errors": [{"message": …, "extensions": {"code": …}}]}` by the first error with a known code.

    The response has no other members (GraphQL specification, section 7.1). Where no error says a code or where in the
    query it happened, it may be the list of errors of anything.
    """
    errors = entries(part(value, "errors"))
    if not errors or len(value) > len(_MEMBERS) or not _MEMBERS.issuperset(value):
        return None
    is_graphql = False
    for error in errors:
        if type(error) is not dict or not isinstance(error.get("message"), str):
            return None
        extensions = error.get("extensions")
        code = part(extensions, "code") if type(extensions) is dict else error.get("type")
        known = _by_graphql_code(code)
        if known is not None:
            return known
        is_graphql = is_graphql or isinstance(code, str) or type(error.get("locations")) is list
    return _OTHER_GRAPHQL if is_graphql and "data" in value else None


def _by_graphql_code(code: Any) -> Classification | None:
    status = as_status(code)
    if status is not None:
        return STATUSES[status]
    if not isinstance(code, str):
        return None
    return _GRAPHQL.get(code.upper().replace("-", "_")) or known_code(code)


# -- gRPC statuses in a reply, and long-running operations ----------------------------------------------------

# They end an operation that had begun, so nothing is certain not to have been done.
_BY_NUMBER_OF_GRPC = {
    number: (meaning.replace(retry_scope="idempotent") if meaning.retry_scope == "always" else meaning).because(
        f"operation ended with {name}"
    )
    for number, (name, meaning) in enumerate(MEANINGS.items())
    if number
}
GRPC_NAMES = frozenset(MEANINGS) - {"OK"}
"""The names of the errors in google.rpc.Code."""


def operation(value: Any) -> Classification | None:
    """Judge a google.longrunning.Operation, as a message or as JSON: it is done, and has an error with a number."""
    if part(value, "done") is not True:
        return None
    return _BY_NUMBER_OF_GRPC.get(whole(part(part(value, "error"), "code")) or 0)


def _named_operation(value: Any) -> Classification | None:
    """Judge the same as a bare dict, which has a name as well."""
    error = part(value, "error")
    is_one = isinstance(part(value, "name"), str) and isinstance(part(error, "message"), str)
    return operation(value) if is_one else None


def _status(value: Any) -> Classification | None:
    """Judge a google.rpc.Status."""
    return _BY_NUMBER_OF_GRPC.get(whole(part(value, "code")) or 0)


# -- processes ------------------------------------------------------------------------------------------------


def _completed(value: Any) -> Classification | None:
    """Judge what `subprocess.run` without `check=True` returns, as the error that it would raise with it."""
    status = whole(part(value, "returncode"))
    if not status:
        return None
    answer: Any = by_exit_status(value)
    return answer.because(f"exit status {status}")  # type: ignore[no-any-return]


REPLIES: Table = table(
    {
        "mcp:CallToolResult mcp_types:CallToolResult fastmcp:CallToolResult": tool_result,
        "google.longrunning.operations_pb2.Operation": operation,
        "google.rpc.status_pb2.Status": _status,
        "subprocess.CompletedProcess": _completed,
    }
)

REPLY_SHAPES: tuple[tuple[str, Callable[[Any], Classification | None]], ...] = (
    ("error", json_rpc),
    ("done", _named_operation),
    ("isError", tool_result),
    ("is_error", tool_result),
    ("errors", graphql),
)
