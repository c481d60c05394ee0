"""google-genai: Gemini's errors, with the details of `google.rpc.Status`, and the closing of its live connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .google_reasons import RATE_LIMITED, REASONS
from .grpc import MEANINGS, with_details
from .llm_codes import CONFLICT
from .rpc_details import of_list
from .websockets import by_close_number

if TYPE_CHECKING:
    from ..classification import Classification

_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_NOT_CONNECTED = Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent"))
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NO_KEY = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FAILED = Otherwise(verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="Gemini error without a status"))

# -- why a call was refused ---------------------------------------------------------------------------------------

# Names of google.rpc that say more than the HTTP status they come with.
_BY_NAME = {
    name: MEANINGS[name].because(f"status {name}")
    for name in ("FAILED_PRECONDITION", "ALREADY_EXISTS", "ABORTED", "DATA_LOSS")
}
_BAD_KEY = _NO_KEY.because("API key not valid")
_WRONG_PLACE = _NOT_ALLOWED.because("location not supported")
_LIMITED_LIVE = RATE_LIMITED.replace(retry_scope="reconnect", reason="WebSocket closed for a quota")
_NO_MODEL = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success", reason="model not found")


def _by_rpc_status(error: Any) -> Answer:
    """Judge by the details of the refusal, then by the status's name and number, or a WebSocket's close number."""
    body = read(error, "details")
    listed = look_up(body, "error", "details") or look_up(body, "details")
    said = read(error, "message") or body  # the latter is the reason why a WebSocket was closed
    return by_rpc_status(read(error, "code"), read(error, "status"), said, listed) or _FAILED


def by_rpc_status(number: Any, name: Any, said: Any, listed: Any) -> Classification | None:
    """Judge the parts of a `google.rpc.Status` as JSON has it: HTTP status, name, message and details."""
    details, status = of_list(listed), as_status(number)
    meaning = REASONS.get(details.reason) or _by_words(said, status)
    meaning = meaning or (_BY_NAME.get(name) if isinstance(name, str) else None)
    if meaning is None and is_whole(number):
        meaning = by_close_number(number, _FAILED.verdict) if status is None else STATUSES[status]
    return None if meaning is None else with_details(meaning, details)


def _by_words(said: Any, status: int | None) -> Classification | None:
    words = said[:200].lower() if isinstance(said, str) else ""
    if "api key not valid" in words or "api key expired" in words:
        return _BAD_KEY
    if "user location is not supported" in words:
        return _WRONG_PLACE
    if status is not None:
        return None
    if "exceeded your current quota" in words or "resource_exhausted" in words:
        return _LIMITED_LIVE
    return _NO_MODEL if "is not found for api version" in words else None


_CLOSED = Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect"))


def _by_live_connection(error: Any) -> Answer:
    """Judge a live interaction that broke: by the HTTP status of its setup, else by how it was closed."""
    status = as_status(read(error, "http_status"))
    if status is not None:
        return STATUSES[status]
    number = read(error, "close_code")
    return by_close_number(number, _CLOSED.verdict) if is_whole(number) else _CLOSED


# -- the interactions API -----------------------------------------------------------------------------------------


def _by_interaction_status(error: Any) -> Answer:
    """Judge by the status, as for all libraries, but for 409, which this client repeats; a stream fails without one."""
    status = as_status(read(error, "status_code"))
    if status is None:
        return _FAILED
    return CONFLICT if status == 409 else None


_INTERACTIONS = ("google.genai._interactions", "google.genai._interactions_errors")


def _interactions(names: str) -> str:
    """Full names: in other packages below `google` the same words mean other classes."""
    return " ".join(f"{module}.{name}" for module in _INTERACTIONS for name in names.split())


GENAI: Table = table(
    {
        # By full names, for the google-api-core has a ClientError too.
        "google.genai.errors.ClientError google.genai.errors.ServerError google.genai.errors.APIError": _by_rpc_status,
        "google.genai.errors.UnknownApiResponseError": _NONSENSE,
        "google.genai.errors.UnsupportedFunctionError": _MISUSE,
        "google.genai.errors.UnknownFunctionCallArgumentError": _BAD_VALUE,
        "google.genai.errors.FunctionInvocationError": Otherwise(_BAD_VALUE),
        # The work done so far is on the error; another call can go on from there, or begin anew.
        "google.genai.errors.ContinuationInterruptedError": Otherwise(
            verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent")
        ),
        "google.genai._api_client.EphemeralTokenAPIKeyError": _BAD_SETUP,
        _interactions("APIResponseValidationError"): _NONSENSE,
        _interactions("APIWebSocketError"): _by_live_connection,
        _interactions("APITimeoutError"): Otherwise(verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")),
        _interactions("APIConnectionError"): _NOT_CONNECTED,
        _interactions("APIError GeminiNextGenAPIClientError"): _by_interaction_status,
        "google:GenAiError": _by_interaction_status,
        "google:ResponseValidationError": _NONSENSE,
        "google:NoResponseError": _NOT_CONNECTED,
    }
)
