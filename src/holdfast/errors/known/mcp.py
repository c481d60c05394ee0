"""MCP: what each error number means, in every version of the SDKs that give them, and the errors of FastMCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..json_rpc import JSON_RPC, SERVER_SAID_SO, is_whole
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of
from ..tool_words import NO_SUCH_TOOL, TOOL_FAILED, WRONG_ARGUMENTS, by_tool_words
from .oauth import NOT_AUTHENTICATED, by_oauth_code

if TYPE_CHECKING:
    from ..classification import Classification

_SESSION_GONE = verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect", reason="MCP session terminated")
_MISSING = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success", reason="MCP resource or prompt unknown")
_NOT_MCP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="reply that is not MCP")
_TIMED_OUT = verdict(Category.TRANSIENT, Code.MCP_TIMEOUT, "idempotent")
_RATE_LIMITED = verdict(
    Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore", reason="MCP server that limits the rate"
)
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success", reason="MCP server that refused us")
_WRONG_VERSION = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_NOT_SUPPORTED = _WRONG_VERSION.because("MCP feature that one side does not support")
_REDIRECTED = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore", reason="MCP redirect")
_BAD_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success", reason="MCP request refused")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")
_HANDLER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="MCP error 0")
_ARGUMENT_MISSING = WRONG_ARGUMENTS.because("MCP prompt without an argument that it needs")
# Version 2 says so of every status from 400 on but 404, be it 401, 429 or 503; which one it was, nothing tells.
_SOME_STATUS = verdict(
    Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="HTTP error whose status the MCP client does not tell"
)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NAME_TAKEN = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "ignore", reason="name in the session group")

MCP_NUMBERS: dict[int, Classification] = {
    **JSON_RPC,
    -32000: verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect"),  # the SDKs' "Connection closed"
    # Request timeout: -32001 by the Python SDK from version 2 on and by the TypeScript SDK, 408 by Python's version 1.
    -32001: _TIMED_OUT,
    408: _TIMED_OUT,
    -32002: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),  # no such resource
    -32020: verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "always"),  # header mismatch, mended by sending it again
    -32021: _WRONG_VERSION,  # the client lacks a capability
    -32022: _WRONG_VERSION,  # protocol version not supported
    -32042: verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success"),  # the user has to open a page first
    -32800: _CANCELLED,  # request cancelled, a number of the language server protocol
    # Python's version 1 says +32600 for a terminated session, and 0 for whatever a handler raised.
    32600: _SESSION_GONE,
    0: _HANDLER_FAILED,
}
_BY_MCP_NUMBER = {number: meaning.because(f"MCP error {number}") for number, meaning in MCP_NUMBERS.items()}
_OTHER_MCP_NUMBER = SERVER_SAID_SO.because("MCP error of the server's own")
_HAS_WAITING_TIME = ("retryAfter", "retry_after", "retryAfterSeconds")


# -- numbers, and the words beside them ---------------------------------------------------------------------------


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
    meaning = _by_number_and_words(number, words) if words else None
    if meaning is None:
        status = as_status(number) if number not in _BY_MCP_NUMBER else None
        meaning = _BY_MCP_NUMBER.get(number, _OTHER_MCP_NUMBER) if status is None else STATUSES[status]
    return meaning.waiting(_waiting_time(read(detail, "data"))) if meaning.retryable else meaning


def _by_number_and_words(number: int, words: str) -> Classification | None:
    """What the words say more than the number, as these numbers are used for several things; None if nothing."""
    if number in (-32000, -32001, -32600, -32603, 32600):
        if "session" in words and any(word in words for word in ("terminated", "not found", "expired", "no valid")):
            return _SESSION_GONE
        if "rate limit" in words or "too many requests" in words or "limit reached" in words:
            return _RATE_LIMITED
        if "unauthorized" in words or "unauthenticated" in words:
            return _NOT_LET_IN
    if number in (-32601, -32602, -32603, 0):
        if _names_a_missing_tool(words):
            return NO_SUCH_TOOL
        if _names_something_missing(words):
            return _MISSING
    if number in (-32600, 32600):
        return _by_refused_request(words)
    if number == -32000:
        return _by_servers_own_words(words)
    if number == -32602:
        return _by_session_group(words)
    if number == -32603:
        return _SOME_STATUS if words == "server returned an error response" else None
    return _by_handlers_own_words(words) if number == 0 else None


def _by_handlers_own_words(words: str) -> Classification | None:
    """What a handler raised, in the text of its exception."""
    if "request cancelled" in words:
        return _CANCELLED.because("MCP request cancelled")
    return _ARGUMENT_MISSING if words.startswith("missing required argument") else None


def _by_refused_request(words: str) -> Classification | None:
    if "unexpected content type" in words:
        return _NOT_MCP
    if "redirect to" in words:  # left unfollowed; the address of the server has to be set right
        return _REDIRECTED
    return _NOT_SUPPORTED if "not supported" in words or "back-channel" in words else None


def _by_servers_own_words(words: str) -> Classification | None:
    """-32000 is the SDKs' "Connection closed", and also the first of the numbers that a server may use as it likes."""
    if "unsupported protocol version" in words:
        return _NOT_SUPPORTED
    if "bad request" in words or "method not allowed" in words:
        return _BAD_REQUEST
    return (
        None if any(word in words for word in ("closed", "connection", "disconnect", "session")) else _OTHER_MCP_NUMBER
    )


def _by_session_group(words: str) -> Classification | None:
    if "already exist in group" in words:
        return _NAME_TAKEN
    return _MISUSE.because("session that the group does not manage") if "session is not managed" in words else None


def _names_a_missing_tool(words: str) -> bool:
    return "unknown tool" in words or ("tool" in words and "not found" in words)


def _names_something_missing(words: str) -> bool:
    return any(word in words for word in ("unknown", "not found", "does not exist")) and any(
        thing in words for thing in ("resource", "prompt", "task", "template")
    )


def _waiting_time(data: Any) -> float | None:
    """The seconds that some servers put into the data of an error."""
    for name in _HAS_WAITING_TIME:
        seconds = look_up(data, name)
        if type(seconds) in (int, float) and 0 <= seconds <= 1e9:
            return float(seconds)
    return None


# -- what a tool said, and what an authorisation server said ------------------------------------------------------

_TOOL_FAILED = Otherwise(TOOL_FAILED)


def _by_tool_message(error: Any) -> Answer:
    """Judge the error that FastMCP makes: its client of a result with `isError`, its server of what a tool raised."""
    said = by_tool_words(text_of(error, 200))
    return said if said is NO_SUCH_TOOL else Otherwise(said)


_NO_TOKEN = Otherwise(NOT_AUTHENTICATED)
_ODD_TOKEN = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="reply of an authorisation server")


def _by_authorisation(error: Any) -> Answer:
    """Judge a failed OAuth flow of the client: only the text holds the status of the authorisation server."""
    words = text_of(error, 200)
    if "invalid token response" in words or "invalid registration response" in words:
        return _ODD_TOKEN
    for mark in ("(", ": "):
        status = as_status(words.partition(f"failed{mark}")[2][:3]) or as_status(
            words.partition(f"failed {mark}")[2][:3]
        )
        if status is not None and (status == 429 or status >= 500):
            return STATUSES[status]
    return _NO_TOKEN


def _by_oauth_error(error: Any) -> Answer:
    return by_oauth_code(read(error, "error")) or NOT_AUTHENTICATED


_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_NO_COMPONENT = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NOT_FETCHED = Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent"))

MCP: Table = table(
    {
        "mcp:McpError mcp:MCPError fastmcp:MCPError": by_mcp_number,
        # the client
        "mcp:SubscriptionLost": _SESSION_GONE,
        "mcp:ResumptionError": _MISUSE,
        "mcp:StreamableHTTPError": Otherwise(_SESSION_GONE),
        "mcp:OAuthFlowError mcp:OAuthTokenError mcp:OAuthRegistrationError": _by_authorisation,
        "mcp:ListenNotSupportedError mcp:UnexpectedClaimedResult": _BAD_SETUP,
        "mcp:InputRequiredRoundsExceededError": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
        "mcp:InvalidScopeError mcp:InvalidRedirectUriError mcp:InvalidUriTemplate": _BAD_VALUE,
        # the server
        "mcp:TokenError mcp:AuthorizeError mcp:RegistrationError": _by_oauth_error,
        "mcp:AuthenticationError": NOT_AUTHENTICATED,
        "mcp:InvalidRequestState mcp:PathEscapeError mcp:ResourceSecurityError mcp:ValidationError": _BAD_VALUE,
        "mcp:InvalidSignature": _MISUSE,
        "mcp:ResourceNotFoundError": _NO_COMPONENT,
        "mcp:ToolError fastmcp:ToolError": _by_tool_message,
        "mcp:ResourceError mcp:MCPServerError mcp:FastMCPError": _TOOL_FAILED,
        # FastMCP, the package
        "fastmcp:NotFoundError fastmcp:DisabledError": _NO_COMPONENT,
        "fastmcp:ValidationError fastmcp:SSRFError fastmcp:CIMDValidationError": _BAD_VALUE,
        "fastmcp:AuthorizationError": _NOT_ALLOWED,
        "fastmcp:SessionAuthError fastmcp:TokenVerificationError fastmcp:IdentityAssertionError": _NO_TOKEN,
        "fastmcp:ClientNotFoundError fastmcp:ExpiredClientRegistrationError": _NO_TOKEN,
        "fastmcp:DeviceAuthorizationError fastmcp:AuthenticationRequiredError": _NO_TOKEN,
        "fastmcp:HorizonError": _NOT_FETCHED,
        "fastmcp:StateFileError": _BAD_SETUP,
        "fastmcp:InvalidSession": _SESSION_GONE,
        "fastmcp:SSRFFetchError fastmcp:CIMDFetchError": _NOT_FETCHED,
        "fastmcp:InvalidSignature": _MISUSE,
        "fastmcp:FastMCPError fastmcp:ClientError": _TOOL_FAILED,
    }
)
