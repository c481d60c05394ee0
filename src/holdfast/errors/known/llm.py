"""OpenAI, Anthropic, and the other clients that the same generator makes; Google's is in `genai`.

Their errors carry the HTTP status and the headers, which are read for all libraries alike. What is special here:

* the code in the body often says more than the status, such as a quota that comes as 429 and never heals;
* a stream fails after its 200, and the error then carries no status, or the 200;
* a 409 is a lock in use, which these clients wait for;
* a failure of the connection is known by its cause only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, classes_of, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of
from .genai import GENAI
from .llm_codes import (
    BY_CLASS,
    CONFLICT,
    GENERAL,
    OTHER_SPENDING,
    OTHER_WRONG_VALUE,
    SPECIFIC,
    STREAM_FAILED,
    WORDS,
)
from .oauth import NOT_AUTHENTICATED, by_oauth_code
from .websockets import by_close_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..classification import Classification

_NOT_CONNECTED = Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent"))
_TIMED_OUT = Otherwise(verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"))
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_STREAM_FAILED = Otherwise(STREAM_FAILED)
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect", reason="WebSocket closed")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_NOT_INSTALLED = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_BAD_SIGNATURE = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "ignore")  # on a message sent to us
_REFUSED = verdict(Category.PERMANENT, Code.FORBIDDEN, "never", "success")
_CUT_OFF = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_UNFINISHED = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_TOOL_FAILED = Otherwise(verdict(Category.EXTERNAL, Code.SERVER_ERROR))
_BUFFER_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_BUFFER_EXCEEDED = verdict(Category.RESOURCE, Code.PAYLOAD_TOO_LARGE, "never", "ignore")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")

_LONGEST_CODE = 64


# -- what the body says ---------------------------------------------------------------------------------------


def by_vendor_code(error: Any) -> Answer:
    """Judge an error of an API: by its message or code if these say more than the status, then by the status."""
    status = as_status(read(error, "status_code"))
    codes = tuple(_codes_of(error))
    found = _by_words(error) or _by_codes(codes) or _by_class(type(error))
    if found is not None:
        return found if status is not None else _cut_short(found)
    if status is not None:
        return CONFLICT if status == 409 else None
    return _without_status(codes) or _STREAM_FAILED


def _codes_of(error: Any) -> Iterator[str]:
    """The codes on the error and in its body, the most exact first, in lower case."""
    body = read(error, "body")
    detail = look_up(body, "error")
    for value in (
        read(error, "error_code"),
        look_up(detail, "details", "error_code"),
        read(error, "code"),
        look_up(detail, "code"),
        look_up(body, "code"),
        read(error, "type"),
        look_up(detail, "type"),
        look_up(body, "type"),
    ):
        if isinstance(value, str) and len(value) <= _LONGEST_CODE:
            yield value.lower()
        elif type(value) is int:
            yield str(value)


def _by_words(error: Any) -> Classification | None:
    body = read(error, "body")
    if isinstance(body, list):  # Gemini behind OpenAI's protocol, whose words for a minute's limit are those of a quota
        return None
    for value in (look_up(body, "error", "message"), look_up(body, "message"), read(error, "message")):
        if isinstance(value, str):
            said = value[:200].lower()
            return next((meaning for words, meaning in WORDS.items() if words in said), None)
    return None


def _by_codes(codes: tuple[str, ...]) -> Classification | None:
    for code in codes:
        if code in SPECIFIC:
            return SPECIFIC[code]
        if ("spend_limit" in code or "billing" in code) and "_not_" not in code:  # one that is newer than the table
            return OTHER_SPENDING
    return None


def _by_class(kind: type) -> Classification | None:
    """Judge by a generated class that is named after its code, for an error whose body was lost."""
    for each in classes_of(kind):
        name = each.__name__.lower().removeprefix("beta").removesuffix("error")
        if name in BY_CLASS:
            return BY_CLASS[name]
    return None


def _without_status(codes: tuple[str, ...]) -> Classification | None:
    for code in codes:
        status = as_status(code)
        if code in GENERAL:
            return _cut_short(GENERAL[code])
        if status is not None:
            return _cut_short(STATUSES[status])
        if code.startswith("invalid_"):
            return OTHER_WRONG_VALUE
    return None


def _cut_short(found: Classification) -> Classification:
    """The verdict on a reply that broke off: part of the work was done, and what overloaded the server let us in."""
    if found.retry_scope != "always":
        return found
    overloaded = found.category is Category.EXTERNAL
    return found.replace(retry_scope="idempotent", circuit_outcome="ignore" if overloaded else found.circuit_outcome)


# -- OpenAI ---------------------------------------------------------------------------------------------------

_KEY_MISSING = Otherwise(_NO_CREDENTIALS.because("client that names no credentials"))
_PACKAGE_MISSING = _NOT_INSTALLED.because("client that names what to install")
_OTHER_SETUP = Otherwise(_BAD_SETUP.because("client that cannot work as it was set up"))


def _by_setup(error: Any) -> Answer:
    """Judge a bare `OpenAIError` or `AnthropicError`: the client was made or called in a way that cannot work."""
    words = text_of(error, 200)
    if "install" in words:
        return _PACKAGE_MISSING
    if any(word in words for word in ("credential", "api_key", "api key", "token", "authentication")):
        return _KEY_MISSING
    return _OTHER_SETUP


def _by_token_refusal(error: Any) -> Answer:
    return by_oauth_code(read(error, "error")) or NOT_AUTHENTICATED


def _by_event(error: Any) -> Answer:
    """Judge by the error event that came over a WebSocket, or by the error of a turn that failed."""
    event = read(error, "event")
    detail = read(event, "error") or look_up(event, "error") or event
    codes = []
    for name in ("code", "type"):
        value = read(detail, name) or look_up(detail, name)
        if isinstance(value, str) and len(value) <= _LONGEST_CODE:
            codes.append(value.lower())
    found = _by_codes(tuple(codes))
    return (_cut_short(found) if found else _without_status(tuple(codes))) or _STREAM_FAILED


_TURNS: dict[str, Answer] = {
    "cancelled": _CANCELLED.because("turn cancelled"),
    "requires_action": _UNFINISHED.because("turn that requires an action"),
    "incomplete": _CUT_OFF.because("turn left incomplete"),
    "observation_failed": Otherwise(_NOT_CONNECTED.verdict.because("turn that could not be observed to its end")),
}
_TURN_FAILED = Otherwise(STREAM_FAILED.because("turn that failed"))


def _by_turn(error: Any) -> Answer:
    reason = read(error, "reason")
    if isinstance(reason, str) and reason in _TURNS:
        return _TURNS[reason]
    code = read(read(read(error, "turn"), "error"), "code")
    codes = (code.lower(),) if isinstance(code, str) and len(code) <= _LONGEST_CODE else ()
    found = _by_codes(codes) or _without_status(codes)
    return _cut_short(found) if found else _TURN_FAILED


_NORMAL_CLOSINGS = (1000, 1005)


def _by_close_of_cause(error: Any) -> Answer:
    """Judge a WebSocket that closed with messages unsent: by its close number, unless that says all is well."""
    number = read(read(error.__cause__, "rcvd"), "code")
    return _CLOSED if number in _NORMAL_CLOSINGS else by_close_number(number, _CLOSED)


OPENAI: Table = table(
    {
        "openai:OAuthError": _by_token_refusal,
        "openai:LengthFinishReasonError": _CUT_OFF,
        "openai:ContentFilterFinishReasonError": _REFUSED,
        "openai:AgentOutputParseError": _NONSENSE,
        "openai:AgentTurnResultError": _by_turn,
        "openai:AgentFilePreparationError openai:AgentFileStagingError": _NOT_CONNECTED,
        "openai:InvalidWebhookSignatureError": _BAD_SIGNATURE,
        "openai:SubjectTokenProviderError": Otherwise(_NO_CREDENTIALS),
        "openai:WebSocketConnectionClosedError": _by_close_of_cause,
        "openai:WebSocketQueueFullError": _BUFFER_FULL,  # the message was not sent
        "openai:ResponsesWebSocketBufferError": _BUFFER_EXCEEDED,
        "openai:ResponsesWebSocketError": _by_event,
        "openai:APIRemovedInV1": _MISUSE,
        "openai:_AmbiguousModuleClientUsageError": _BAD_SETUP,
        # Runs of tools: some of them may have been carried out, and the error says which.
        "openai:ToolRunnerError openai:DecisionsToolRunnerError openai:ComputerUseError": _TOOL_FAILED,
        "openai:BrowserError": _BAD_VALUE,
        "openai:BrowserCancelledError": _CANCELLED,
        "openai:OpenAIError": _by_setup,
    }
)


# -- Anthropic ------------------------------------------------------------------------------------------------

_NO_TOKEN = _NO_CREDENTIALS.because("type anthropic.WorkloadIdentityError")
_ODD_TOKEN = _NONSENSE.because("reply of a token endpoint that holds no token")


def _by_token_exchange(error: Any) -> Answer:
    """Judge a failed exchange of tokens: by OAuth's code, then by the status; a 200 brought no token."""
    number = read(error, "status_code")
    told = by_oauth_code(look_up(read(error, "body"), "error"))
    if told is not None:
        return told
    if number is None:
        return Otherwise(_NO_TOKEN)
    if number == 200:
        return _ODD_TOKEN
    status = as_status(number)
    return NOT_AUTHENTICATED if status in (400, 401, 403) else None


ANTHROPIC: Table = table(
    {
        "anthropic:APIWebhookValidationError": _BAD_SIGNATURE,
        "anthropic:RetryableError": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
        "anthropic:CredentialsError": _NO_CREDENTIALS,
        "anthropic:WorkloadIdentityError": _by_token_exchange,
        "anthropic:ToolsetConfigError": _BAD_SETUP,
        "anthropic:ToolsetUsageError": _MISUSE,
        # What a tool tells the model: a refusal of what the model asked for, or a failure of its own.
        "anthropic:UnknownMemberError anthropic:UnavailableMemberError anthropic:InvalidMemberInputError": _BAD_VALUE,
        "anthropic:DisabledMemberError anthropic:ConfirmDeclinedError anthropic:ConfirmFailedError": _BAD_VALUE,
        "anthropic:URLRefusedError anthropic:UploadRefusedError anthropic:TabMissingError": _BAD_VALUE,
        "anthropic:UnsupportedMCPValueError": _BAD_VALUE,
        "anthropic:ToolError anthropic:FileStoreError anthropic:SessionMemoryError": _TOOL_FAILED,
        "anthropic:AnthropicError": _by_setup,
    }
)


# -- every client of that make --------------------------------------------------------------------------------


def _made_alike(package: str) -> Table:
    return table(
        {
            f"{package}:APIResponseValidationError": _NONSENSE,
            f"{package}:APITimeoutError": _TIMED_OUT,
            f"{package}:APIConnectionError": _NOT_CONNECTED,
            f"{package}:APIError": by_vendor_code,
            f"{package}:StreamAlreadyConsumed {package}:MissingStreamClassError": _MISUSE,
            f"{package}:MutuallyExclusiveAuthError": _BAD_SETUP,
            f"{package}:MissingDependencyError": _NOT_INSTALLED,
        }
    )


LLM: Table = {
    **_made_alike("openai"),
    **OPENAI,
    **_made_alike("anthropic"),
    **ANTHROPIC,
    **_made_alike("groq"),
    **_made_alike("cerebras"),
    **_made_alike("together"),
    **table({"groq:GroqError cerebras:CerebrasError together:TogetherError": _by_setup}),
    **GENAI,
}
