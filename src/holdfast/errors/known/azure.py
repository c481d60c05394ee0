"""Azure: azure-core, what its clients for single services add, azure-identity, MSAL and the older msrest.

`ServiceRequestError` says that nothing was sent, `ServiceResponseError` that it was, `HttpResponseError` that there
was an answer. What led to the first two hangs on `inner_exception`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .azure_amqp import MESSAGING
from .azure_codes import by_code, by_cosmos_status

if TYPE_CHECKING:
    from ..classification import Classification

_NOT_SENT = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="type azure.ServiceRequestError")
_BROKEN_OFF = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_CUT_SHORT = verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_SERVER_ERROR = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_OPERATION_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_REDIRECTED = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_CONDITION_FAILED = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_TOKEN_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_LOGIN_FAILED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "ignore")
_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_LOCKED = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")

_LONGEST_MESSAGE = 400


def _status_of(error: Any) -> int | None:
    return as_status(read(error, "status_code")) or as_status(read(read(error, "response"), "status_code"))


def _words_of(error: Any) -> str:
    message = read(error, "message")
    if not isinstance(message, str):
        message = error.args[0] if error.args and isinstance(error.args[0], str) else ""
    return message[:_LONGEST_MESSAGE].lower()


# -- not sent -------------------------------------------------------------------------------------------------------

_TOKEN_IN_THE_OPEN = _WRONG_SETUP.because("token that azure-core would not send without TLS")


def _by_unsent_request(error: Any) -> Answer:
    return _TOKEN_IN_THE_OPEN if "non-tls" in _words_of(error) else Otherwise(_NOT_SENT)


# -- answers --------------------------------------------------------------------------------------------------------

_SIGNATURE_EXPIRED = _TOKEN_EXPIRED.because("signature that is not valid now")
_CLOCK_IS_WRONG = _WRONG_SETUP.because("request with a date that is too old")
_RETRY_WITH = verdict(Category.TRANSIENT, Code.CONFLICT, "always", reason="HTTP status 449, Retry With")


def _codes_of(error: Any) -> list[str]:
    """Return the codes on an error, the most exact first: in the body's depth, in the body, on the error, in a header.

    Storage's are members of an enumeration.
    """
    detail = read(error, "error")
    detail = read(detail, "error") if read(detail, "code") is None else detail  # msrest nests it once more
    headers = read(read(error, "response"), "headers")
    found = [
        look_up(read(detail, "innererror"), "code"),
        read(detail, "code"),
        read(error, "error_code"),
        read(error, "code"),
        look_up(headers, "x-ms-error-code"),
        look_up(headers, "X-Ms-Error-Code"),
    ]
    return [code for each in found if isinstance(code := each if isinstance(each, str) else read(each, "value"), str)]


def _by_answer(error: Any) -> Classification | None:
    """Judge an `HttpResponseError` by its code where that says more than its status, which is asked afterwards."""
    status = _status_of(error)
    for code in _codes_of(error):
        found = by_code(code)
        if found is not None and not (status == 429 and found.category is Category.PERMANENT):
            if found.category is Category.AUTH:
                return _why_not_let_in(error) or found
            return found
    return _RETRY_WITH if status == 449 else None


def _why_not_let_in(error: Any) -> Classification | None:
    words = _words_of(error)
    if "specified time frame" in words:
        return _SIGNATURE_EXPIRED
    return _CLOCK_IS_WRONG if "date header too old" in words or "date header in the request" in words else None


def _by_cosmos_answer(error: Any) -> Answer:
    status, sub_status = _status_of(error), read(error, "sub_status")
    if status is None:
        return None
    if status == 429:
        return STATUSES[429].waiting(_milliseconds_in(_words_of(error)))
    whole = isinstance(sub_status, int) and not isinstance(sub_status, bool)
    return by_cosmos_status(status, sub_status if whole else None)


def _milliseconds_in(words: str) -> float | None:
    """Return what a message says as "RetryAfterMs=34"; the header of the same meaning is read anyway, and wins."""
    digits = words.partition("retryafterms=")[2][:10].partition(",")[0].partition(";")[0].strip()
    return int(digits) / 1000 if digits.isascii() and digits.isdigit() else None


def _by_garbled_answer(error: Any) -> Answer:
    """Judge an answer that could not be read; one that tells of a failure all the same is judged by its status."""
    status = _status_of(error)
    return STATUSES[status] if status is not None and status >= 400 else _UNREADABLE


_UNREADABLE = _NONSENSE.because("type azure.DecodeError")


# -- logging in -----------------------------------------------------------------------------------------------------

_LOGIN_SERVICE_FAILED = _UNAVAILABLE.because("login service that cannot answer now")
_LOGIN_EXPIRED = _TOKEN_EXPIRED.because("login that has expired")
_NOT_AUTHENTICATED = _NOT_LET_IN.because("type azure.ClientAuthenticationError")
_NOT_AUTHORISED = _FORBIDDEN.because("type azure.ClientAuthenticationError with HTTP status 403")

# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_FOR_THE_MOMENT = ("aadsts90033", "aadsts90006", "temporarily_unavailable", "server_error")
_EXPIRED = ("aadsts700082", "aadsts70008", "aadsts50173", "aadsts50089", "aadsts50133", "aadsts7000222")


def _by_login(error: Any) -> Answer:
    """Judge a refused login. Entra says 400 for most of what is wrong, and its own failures come as such statuses."""
    words = _words_of(error)
    for fragment in _FOR_THE_MOMENT:
        if fragment in words:
            return _LOGIN_SERVICE_FAILED
    for fragment in _EXPIRED:
        if fragment in words:
            return _LOGIN_EXPIRED
    told = _by_answer(error)
    if told is not None:
        return told
    status = _status_of(error)
    if status is None:
        return Otherwise(_NOT_AUTHENTICATED)
    if status in (408, 429) or status >= 500:
        return STATUSES[status]
    return _NOT_AUTHORISED if status == 403 else _NOT_AUTHENTICATED


_NOT_AT_HAND = _NO_CREDENTIALS.because("type azure.CredentialUnavailableError")


def _by_missing_credential(error: Any) -> Answer:
    """Judge a credential that cannot be had here, unless it is the endpoint for it that failed."""
    status = _status_of(error)
    return _NOT_AT_HAND if status is None or (status < 500 and status != 429) else STATUSES[status]


_OAUTH_REFUSED = _NOT_LET_IN.because("type msal.MsalServiceError")


def _by_oauth_error(error: Any) -> Answer:
    told = read(error, "_error")
    return _LOGIN_SERVICE_FAILED if told in ("temporarily_unavailable", "server_error") else _OAUTH_REFUSED


AZURE: Table = {
    **MESSAGING,
    **table(
        {
            # -- not sent, or sent and not answered -----------------------------------------------------------------
            "azure:ServiceRequestTimeoutError": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
            # With aiohttp it stands for connections that broke later, too: the cause tells.
            "azure:ServiceRequestError": _by_unsent_request,
            "azure:ServiceResponseTimeoutError": verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent"),
            "azure:ServiceResponseError": Otherwise(_BROKEN_OFF),
            # -- answered -------------------------------------------------------------------------------------------
            "azure:IncompleteReadError": _CUT_SHORT,
            "azure:DecodeError": _by_garbled_answer,
            "azure:ResourceNotFoundError": Otherwise(_NOT_FOUND),
            "azure:ResourceExistsError": Otherwise(_EXISTS),
            "azure:ResourceModifiedError azure:CosmosAccessConditionFailedError": Otherwise(_CONDITION_FAILED),
            "azure:ResourceNotModifiedError": STATUSES[304],
            "azure:TooManyRedirectsError": _REDIRECTED,
            "azure:RequestTooLargeError azure:RequestEntityTooLargeError": _TOO_LARGE,
            "azure:ClientAuthenticationError": _by_login,
            "azure:CosmosHttpResponseError azure:CosmosBatchOperationError": _by_cosmos_answer,
            "azure:CosmosClientTimeoutError": _TIMEOUT,
            "azure:HttpResponseError": _by_answer,
            # Long-running operations; an `HttpResponseError` wraps them.
            "azure:OperationFailed": _OPERATION_FAILED,
            "azure:BadStatus azure:BadResponse": _NONSENSE,
            # azure-core retries all its errors on methods that may be repeated.
            "azure:AzureError": Otherwise(_SERVER_ERROR),
            # -- what the program did -------------------------------------------------------------------------------
            "azure:SerializationError": _WRONG_INPUT,
            "azure:DeserializationError azure:AvroException": _NONSENSE,
            "azure:StreamConsumedError azure:StreamClosedError azure:ResponseNotReadError": _MISUSE,
            # -- credentials ----------------------------------------------------------------------------------------
            "azure:CredentialUnavailableError": _by_missing_credential,
            "azure:AuthenticationRequiredError": _LOGIN_FAILED,  # somebody has to log in
            "azure:AzureSigningError": _WRONG_SETUP,  # an account key that is no Base64
            "msal:MsalServiceError": _by_oauth_error,
            "msal:MsalError msal:BrowserInteractionTimeoutError": _LOGIN_FAILED,
            "msal:IdTokenError": _NOT_LET_IN,
            "msal:_IdTokenTimeError": _WRONG_SETUP,  # clocks differ
            "msal:ManagedIdentityError": Otherwise(_NO_CREDENTIALS),
            "msal_extensions:LockError": _LOCKED,
            "msal_extensions:PersistenceError msal_extensions:PersistenceNotFound": _WRONG_SETUP,
            # -- msrest, which azure-core has replaced --------------------------------------------------------------
            "msrest:ClientRequestError": Otherwise(_BROKEN_OFF),
            "msrest:TokenExpiredError": _TOKEN_EXPIRED,
            "msrest:AuthenticationError": _NOT_LET_IN,
            "msrest:ValidationError": _WRONG_INPUT,
            "msrest:HttpOperationError msrestazure:CloudError": _by_answer,
            "msrest:ClientException": Otherwise(_SERVER_ERROR),
        }
    ),
}
