"""What tools of MCP say went wrong: a text only, in a result or in the error that a client makes of such a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .json_rpc import SERVER_SAID_SO
from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

NO_SUCH_TOOL = verdict(Category.PERMANENT, Code.MCP_TOOL_NOT_FOUND, "never", "success", reason="MCP tool unknown")
WRONG_ARGUMENTS = verdict(
    Category.VALIDATION, Code.INVALID_INPUT, "never", "success", reason="MCP tool refused its arguments"
)
TOOL_FAILED = SERVER_SAID_SO.because("MCP tool failed")

# Worth another attempt.
_FOR_THE_MOMENT: tuple[tuple[tuple[str, ...], Classification], ...] = (
    (
        ("rate limit", "too many requests", "throttl", "error 429", "status 429"),
        verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore", reason="MCP tool met a rate limit"),
    ),
    (
        ("timed out", "timeout"),
        verdict(Category.TRANSIENT, Code.MCP_TIMEOUT, "idempotent", reason="MCP tool met a timeout"),
    ),
    (
        ("temporarily unavailable", "service unavailable", "overloaded", "try again later", "connection refused"),
        verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent", reason="MCP tool met an outage"),
    ),
    (
        ("connection reset", "connection closed", "bad gateway", "server disconnected"),
        verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="MCP tool lost a connection"),
    ),
)

_A_TOOL_THAT_RAN = ("error executing tool ", "error calling tool ")
"""So the Python SDK and FastMCP begin. The name of the tool follows, which may well be `set_timeout`."""


def by_tool_words(words: str) -> Classification:
    """Judge a failed tool by the beginning of its text, in lower case."""
    if words.startswith(_A_TOOL_THAT_RAN):
        words = words.partition(": ")[2]  # nothing, from servers that keep to themselves what went wrong
    elif names_a_missing_tool(words):
        return NO_SUCH_TOOL
    if any(phrase in words for phrase in ("input validation error", "invalid arguments for tool", "invalid params")):
        return WRONG_ARGUMENTS
    if "validation error" in words and "arguments\n" in words:  # "… 1 validation error for searchArguments"
        return WRONG_ARGUMENTS
    for phrases, meaning in _FOR_THE_MOMENT:
        if any(phrase in words for phrase in phrases):
            return meaning
    return TOOL_FAILED


def names_a_missing_tool(words: str) -> bool:
    """Whether they say that there is no such tool; "MCP error -32602: Tool x not found" is the TypeScript SDK's way."""
    words = words.removeprefix("mcp error -32602: ")
    return words.startswith("unknown tool") or (words.startswith("tool ") and " not found" in words)
