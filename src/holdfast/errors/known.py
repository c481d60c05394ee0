"""Client libraries whose errors are known by name: holdfast itself, MCP and JSON-RPC, cancellation, streams.

Each table reads as its library's documentation would, if that said what to do about each error. A further family is
one more table, joined into `KNOWN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attributes import read
from .http import STATUSES, as_status
from .recognition import Answer, Otherwise, Table, table, verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")

CANCELLATIONS: Table = table(
    {
        # asyncio's is no `Exception`, that of concurrent.futures is one.
        "asyncio:CancelledError concurrent:CancelledError trio:Cancelled": _CANCELLED,
        "builtins.KeyboardInterrupt builtins.SystemExit builtins.GeneratorExit": _CANCELLED,
        "builtins.PythonFinalizationError": _CANCELLED,
    }
)
"""What is a cancellation by its own type, as any other `BaseException` is that is no `Exception`."""


# -- holdfast itself ------------------------------------------------------------------------------------------


def _refused(category: Category, code: Code) -> Classification:
    """A refusal by one of our guards: the call was not made, so nothing is known of the dependency."""
    return verdict(category, code, "never", "ignore")


_CUT_SHORT = verdict(Category.TRANSIENT, Code.DEADLINE_EXCEEDED)
_NOT_BEGUN = _refused(Category.TRANSIENT, Code.DEADLINE_EXCEEDED)


def _by_beginning(error: Any) -> Answer:
    """Judge a deadline that was over: before the call began, that says nothing of the dependency."""
    return _NOT_BEGUN if read(error, "began") is False else _CUT_SHORT


HOLDFAST: Table = table(
    {
        "holdfast:CircuitBreakerError": _refused(Category.TRANSIENT, Code.CIRCUIT_OPEN),
        "holdfast:BulkheadError": _refused(Category.RESOURCE, Code.BULKHEAD_QUEUE_FULL),
        "holdfast:BulkheadTimeoutError": _refused(Category.RESOURCE, Code.BULKHEAD_QUEUE_TIMEOUT),
        "holdfast:RateLimitExceededError": _refused(Category.RESOURCE, Code.RATE_LIMIT_EXCEEDED),
        "holdfast:WorkerLimitError": _refused(Category.RESOURCE, Code.WORKER_LIMIT_REACHED),
        "holdfast:RejectedError": _refused(Category.RESOURCE, Code.REJECTED),
        "holdfast:OperationTimeoutError": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
        "holdfast:DeadlineExceededError": _by_beginning,
        "holdfast:RetryExhaustedError": verdict(Category.EXTERNAL, Code.RETRY_EXHAUSTED),
        "holdfast:UnknownPolicyError": verdict(Category.CONFIGURATION, Code.UNKNOWN_POLICY, "never", "ignore"),
        "holdfast:ConfigurationError": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"),
    }
)


# -- MCP and JSON-RPC -----------------------------------------------------------------------------------------

_SESSION_GONE = verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect", reason="MCP session terminated")
_NO_SUCH_TOOL = verdict(Category.PERMANENT, Code.MCP_TOOL_NOT_FOUND, "never", "success", reason="MCP tool unknown")
_NOT_MCP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="reply that is not MCP")
_SERVER_SAID_SO = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_WRONG_VERSION = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")

JSON_RPC: dict[int, Classification] = {
    # https://www.jsonrpc.org/specification#error_object
    -32700: verdict(Category.EXTERNAL, Code.INVALID_JSON),
    -32600: verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success"),
    -32601: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    -32602: verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success"),
    -32603: verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"),
}
MCP_NUMBERS: dict[int, Classification] = {
    **JSON_RPC,
    -32000: verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect"),  # the SDK's "Connection closed"
    # Request timeout: -32001 by the Python SDK from version 2 on and by the TypeScript SDK, 408 by Python's version 1.
    -32001: verdict(Category.TRANSIENT, Code.MCP_TIMEOUT, "idempotent"),
    408: verdict(Category.TRANSIENT, Code.MCP_TIMEOUT, "idempotent"),
    -32002: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),  # no such resource
    -32020: verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "always"),  # header mismatch, mended by sending it again
    -32021: _WRONG_VERSION,  # the client lacks a capability
    -32022: _WRONG_VERSION,  # protocol version not supported
    -32042: verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success"),  # the user has to open a page first
    # Python's version 1 says +32600 for a terminated session, and 0 for an unknown resource or prompt.
    32600: _SESSION_GONE,
    0: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
}
_BY_MCP_NUMBER = {number: meaning.because(f"MCP error {number}") for number, meaning in MCP_NUMBERS.items()}
_BY_JSON_RPC_NUMBER = {number: meaning.because(f"JSON-RPC error {number}") for number, meaning in JSON_RPC.items()}
_OTHER_MCP_NUMBER = _SERVER_SAID_SO.because("MCP error of the server's own")
_OTHER_JSON_RPC_NUMBER = _SERVER_SAID_SO.because("JSON-RPC error of the server's own")


def by_mcp_number(error: Any) -> Answer:
    """Judge an error of the MCP SDK: version 2 has `.code`, version 1 only `.error.code`; a few need the message."""
    detail = read(error, "error")
    number = read(detail, "code")
    if not _is_whole(number):
        number = read(error, "code")
    if not _is_whole(number):
        return None
    message = read(detail, "message")
    words = message[:200].lower() if isinstance(message, str) else ""
    if number in (-32600, 32600):
        if "session terminated" in words:
            return _SESSION_GONE
        if "unexpected content type" in words:
            return _NOT_MCP
    if number in (-32601, -32602, -32603, 0) and _names_a_missing_tool(words):
        return _NO_SUCH_TOOL
    return _BY_MCP_NUMBER.get(number, _OTHER_MCP_NUMBER)


def is_json_rpc_number(number: Any) -> bool:
    """Whether it is in the range that JSON-RPC keeps for its own errors and those of servers."""
    return _is_whole(number) and -32768 <= number <= -32000


def by_json_rpc_number(number: int) -> Classification:
    """Judge a JSON-RPC error of whatever library by its number."""
    return _BY_JSON_RPC_NUMBER.get(number, _OTHER_JSON_RPC_NUMBER)


def _by_tool_message(error: Any) -> Answer:
    """Judge the error that FastMCP's client makes of a result with `isError`."""
    words = str(error)[:200].lower()
    return _NO_SUCH_TOOL if _names_a_missing_tool(words) else _SERVER_SAID_SO.because("MCP tool failed")


def _names_a_missing_tool(words: str) -> bool:
    return "unknown tool" in words or ("tool" in words and "not found" in words)


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


_NO_TOKEN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")

MCP: Table = table(
    {
        "mcp:McpError mcp:MCPError": by_mcp_number,
        "mcp:SubscriptionLost": _SESSION_GONE,
        "mcp:OAuthFlowError mcp:OAuthTokenError mcp:OAuthRegistrationError": _NO_TOKEN,
        "fastmcp:ToolError mcp:ToolError": _by_tool_message,
        "fastmcp:NotFoundError": verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    }
)


# -- streams and nurseries ------------------------------------------------------------------------------------

_STREAM_GONE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_WOULD_BLOCK = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")

STREAMS: Table = table(
    {
        "anyio:BrokenResourceError trio:BrokenResourceError": _STREAM_GONE,
        "anyio:ClosedResourceError trio:ClosedResourceError": _STREAM_GONE,
        "anyio:EndOfStream trio:EndOfChannel": _STREAM_GONE,
        "anyio:IncompleteRead": verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent"),
        "anyio:DelimiterNotFound": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
        # Every address of the host was tried; the cause holds what each said.
        "anyio:ConnectionFailed": Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always")),
        "anyio:BrokenWorkerProcess anyio:BrokenWorkerInterpreter": verdict(
            Category.RESOURCE, Code.PROCESS_FAILED, "reconnect", "ignore"
        ),
        "anyio:BusyResourceError trio:BusyResourceError trio:TrioInternalError trio:RunFinishedError": _MISUSE,
        "anyio:WouldBlock trio:WouldBlock": _WOULD_BLOCK,
        "trio:TooSlowError": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
    }
)


# -- libraries whose status alone would mislead ---------------------------------------------------------------


def _by_xml_rpc_status(error: Any) -> Answer:
    """Judge an XML-RPC transport error: each call is a POST, which may have been carried out."""
    status = as_status(read(error, "errcode"))
    meaning = None if status is None else STATUSES[status]
    if meaning is not None and meaning.category is Category.TRANSIENT:
        meaning = _possibly_executed(meaning)
    return meaning


def _possibly_executed(meaning: Classification) -> Classification:
    return meaning.replace(retry_scope="idempotent")


STATUS_MISLEADS: Table = table({"xmlrpc.client.ProtocolError": _by_xml_rpc_status})

KNOWN: Table = {**HOLDFAST, **MCP, **STREAMS, **STATUS_MISLEADS}
