"""MCP: what each error number means, in every version of the SDKs that give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..json_rpc import JSON_RPC, SERVER_SAID_SO, is_whole
from ..recognition import Answer, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_SESSION_GONE = verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect", reason="MCP session terminated")
_NO_SUCH_TOOL = verdict(Category.PERMANENT, Code.MCP_TOOL_NOT_FOUND, "never", "success", reason="MCP tool unknown")
_NOT_MCP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="reply that is not MCP")
_WRONG_VERSION = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")

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
_OTHER_MCP_NUMBER = SERVER_SAID_SO.because("MCP error of the server's own")


def by_mcp_number(error: Any) -> Answer:
    """Judge an error of the MCP SDK: version 2 has `.code`, version 1 only `.error.code`; a few need the message."""
    detail = read(error, "error")
    number = read(detail, "code")
    if not is_whole(number):
        number = read(error, "code")
    if not is_whole(number):
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


def _by_tool_message(error: Any) -> Answer:
    """Judge the error that FastMCP's client makes of a result with `isError`."""
    words = str(error)[:200].lower()
    return _NO_SUCH_TOOL if _names_a_missing_tool(words) else SERVER_SAID_SO.because("MCP tool failed")


def _names_a_missing_tool(words: str) -> bool:
    return "unknown tool" in words or ("tool" in words and "not found" in words)


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
