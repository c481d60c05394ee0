"""Google Cloud: api-core, auth, storage and resumable media, the discovery client with httplib2, and a few services.

The names of `google.api_core` and `google.auth` are written in full, because `google` is the root package of others
too, of `google.genai` for one, and both have a `ClientError`.
"""

from __future__ import annotations

from typing import Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, classes_of, full_name, module_name, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .google_reasons import ABORTED, REASONS, SPENT_QUOTA
from .grpc import by_status, canonical_name, details_of_call, with_details
from .rpc_details import NOTHING, Details, of_list

_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_MODULE_MISSING = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")  # another attempt may well get it whole
_SERVER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_REDIRECTED = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")


def _words(error: Any) -> str:
    first = error.args[0] if error.args else ""
    return first[:300].lower() if isinstance(first, str) else ""


# -- api-core -------------------------------------------------------------------------------------------------

# Classes that stand for a gRPC status alone, for when the error does not say it (without grpcio nobody does).
_STATUS_OF_CLASS = {
    f"google.api_core.exceptions.{name}": status
    for name, status in {
        "InvalidArgument": "INVALID_ARGUMENT",
        "FailedPrecondition": "FAILED_PRECONDITION",
        "OutOfRange": "OUT_OF_RANGE",
        "Unauthenticated": "UNAUTHENTICATED",
        "PermissionDenied": "PERMISSION_DENIED",
        "AlreadyExists": "ALREADY_EXISTS",
        "Aborted": "ABORTED",
        "ResourceExhausted": "RESOURCE_EXHAUSTED",
        "Cancelled": "CANCELLED",
        "Unknown": "UNKNOWN",
        "DataLoss": "DATA_LOSS",
        "DeadlineExceeded": "DEADLINE_EXCEEDED",
    }.items()
}


def _by_api_call(error: Any) -> Answer:
    """Judge by the reason, then by gRPC's status, then by HTTP's; both transports raise the same classes."""
    details = _details_of(error)
    name = canonical_name(read(error, "grpc_status_code")) or _status_of_class(type(error))
    if name:
        return by_status(name, read(error, "message"), details)
    status = as_status(read(error, "code"))
    # Storage gives the reason of a failed transfer as text: that of the response.
    return _by_reason(details, status) or (_by_limit(read(error, "message")) if status == 403 else None)


def _by_limit(text: Any) -> Answer:
    """Judge a refusal with the status 403 by what it says of limits."""
    words = text[:400].lower() if isinstance(text, str) else ""
    if any(phrase in words for phrase in _DAILY) or ("quota exceeded" in words and "per day" in words):
        return SPENT_QUOTA
    if any(phrase in words for phrase in _TOO_FAST) or ("quota exceeded" in words and "per minute" in words):
        return _TOO_OFTEN
    return None


_DAILY = ("daily limit", "dailylimitexceeded")
_TOO_FAST = ("rate limit exceeded", "ratelimitexceeded")
_TOO_OFTEN = REASONS["rateLimitExceeded"].because("HTTP status 403 that tells of a rate limit")


def _status_of_class(kind: type) -> str:
    return next((found for each in classes_of(kind) if (found := _STATUS_OF_CLASS.get(full_name(each)))), "")


def _details_of(error: Any) -> Details:
    reason = read(error, "reason")
    found = Details(reason=reason) if isinstance(reason, str) else NOTHING
    found = found.together(of_list(read(error, "details"))).together(of_list(read(error, "errors")))
    call = read(error, "response")
    if any(module_name(kind).partition(".")[0] == "grpc" for kind in classes_of(type(call))):
        found = found.together(details_of_call(call))
    return found


def _by_reason(details: Details, status: int | None) -> Answer:
    """Judge by the reason, or else by a status to which the details add something; None leaves it to the status."""
    found = REASONS.get(details.reason)
    if found is None and status is not None and (details.wait is not None or details.spent):
        found = STATUSES[status]
    return None if found is None else with_details(found, details)


_GAVE_UP = Otherwise(_TIMEOUT.because("google-api-core gave up retrying"))  # its `cause` is the last failure


# -- auth -----------------------------------------------------------------------------------------------------

_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore")
_TOKEN_REFUSED = verdict(
    Category.AUTH, Code.UNAUTHENTICATED, "never", "success", reason="google-auth got no access token"
)
_TOKEN_LATER = verdict(
    Category.AUTH, Code.UNAUTHENTICATED, "always", "ignore", reason="google-auth may get an access token later"
)
_NOT_REACHED = _NOT_CONNECTED.because("google-auth did not reach the server")
_TRANSPORT_FAILED = Otherwise(_NOT_REACHED)
_TOKEN_SERVER_UNREACHED = Otherwise(_NOT_REACHED.replace(retry_scope="always"), unsent=True)
_OTHER_JSON = verdict(Category.EXTERNAL, Code.INVALID_JSON, reason="token server's reply is no JSON")
_CLOSED_TRANSPORT = _MISUSE.because("google-auth's transport was closed")
_NO_TRANSPORT = _MODULE_MISSING.because("google-auth has no HTTP client")

# RFC 6749 §4.1.2.1 and Google's own: failures of the token server, not of the credentials.
_PASSING = ("server_error", "temporarily_unavailable", "internal_failure")
_TRANSPORT_TROUBLE = frozenset(
    f"google.auth.exceptions.{name}" for name in ("TransportError", "TimeoutError", "ResponseError")
)


def _by_refresh(error: Any) -> Answer:
    """Judge a token that was not got: refused for good, for the moment, or the token server was not reached at all.

    In none of these cases was the call made for which the token was wanted.
    """
    words = _words(error)
    if read(error, "retryable") is True or any(code in words for code in _PASSING):
        return _TOKEN_LATER
    wrapped = (error.args[0] if error.args else None, error.__cause__)
    if any(full_name(kind) in _TRANSPORT_TROUBLE for each in wrapped for kind in classes_of(type(each))):
        return _TOKEN_SERVER_UNREACHED
    return _TOKEN_REFUSED


def _by_transport(error: Any) -> Answer:
    """Judge a request of google-auth's; what failed is its first argument or its cause, or it tells a status."""
    words = _words(error)
    digits = words.partition("status: ")[2][:3]
    status = as_status(digits)
    if status is not None:
        return STATUSES[status]
    if "invalid json" in words:
        return _OTHER_JSON
    if "session is closed" in words or "closed transport" in words or "unsupported connector" in words:
        return _CLOSED_TRANSPORT
    return _NO_TRANSPORT if "must be installed" in words else _TRANSPORT_FAILED


# -- storage and resumable media ------------------------------------------------------------------------------

_NO_STATUS = _NONSENSE.because("transfer without the status or the headers that it should have")
# A transfer that failed may have been stored all the same, whatever the status says of it.
_TRANSFERS = {
    status: meaning.replace(retry_scope="idempotent") if meaning.retryable and status != 429 else meaning
    for status, meaning in STATUSES.items()
    if status >= 400
}


def _by_transfer_status(error: Any) -> Answer:
    response = read(error, "response")
    status = as_status(read(response, "status_code")) or as_status(read(response, "status"))
    return _NO_STATUS if status is None else _TRANSFERS.get(status, _NO_STATUS)


# -- the discovery client and httplib2 ------------------------------------------------------------------------


def _by_http_error(error: Any) -> Answer:
    """Judge by the reason in the details; where they are a mere text, a few texts of limits that come as 403."""
    listed = read(error, "error_details")
    response = read(error, "resp")
    status = as_status(look_up(response, "status")) or as_status(read(response, "status"))
    return _by_reason(of_list(listed), status) or (_by_limit(read(error, "reason")) if status == 403 else None)


def _by_batch(error: Any) -> Answer:
    """Judge a batch: built wrongly if there is no response yet."""
    return _BAD_BATCH if read(error, "resp") is None else None


_BAD_BATCH = _BAD_INPUT.because("batch that cannot be sent")


# -- Pub/Sub --------------------------------------------------------------------------------------------------

_ACKNOWLEDGEMENTS = {
    "PERMISSION_DENIED": verdict(Category.AUTH, Code.FORBIDDEN, "never", "success"),
    "FAILED_PRECONDITION": verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
    "INVALID_ACK_ID": verdict(Category.PERMANENT, Code.GONE, "never", "success"),
}
_BY_ACKNOWLEDGEMENT = {
    name: meaning.because(f"Pub/Sub acknowledgement {name}") for name, meaning in _ACKNOWLEDGEMENTS.items()
}
_NOT_ACKNOWLEDGED = _SERVER_BROKE.because("Pub/Sub acknowledgement failed")


def _by_acknowledgement(error: Any) -> Answer:
    name = read(read(error, "error_code"), "name")
    return _BY_ACKNOWLEDGEMENT.get(name, _NOT_ACKNOWLEDGED) if isinstance(name, str) else _NOT_ACKNOWLEDGED


_API_CORE: Table = table(
    {
        "google.api_core.exceptions.TransferStalledError": _TIMEOUT,
        "google.api_core.exceptions.UnseekableStreamError": _BAD_INPUT,
        "google.api_core.exceptions.UploadCancelledError": _CANCELLED,
        "google.api_core.exceptions.MissingStatusHeaderError": _NONSENSE,
        "google.api_core.exceptions.GoogleAPICallError": _by_api_call,
        # What follows holds for errors without any status.
        "google.api_core.exceptions.ResumableTransferError": Otherwise(_SERVER_BROKE),
        "google.api_core.exceptions.ServerError": Otherwise(_SERVER_BROKE),
        "google.api_core.exceptions.ClientError": Otherwise(
            verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
        ),
        "google.api_core.exceptions.Redirection": Otherwise(_REDIRECTED),
        "google.api_core.exceptions.GoogleAPIError": Otherwise(_SERVER_FAILED),
        "google.api_core.exceptions.RetryError": _GAVE_UP,
        "google.api_core.exceptions.DuplicateCredentialArgs": _WRONG_SETUP,
        "google.api_core.exceptions.AsyncRestUnsupportedParameterError": _MISUSE,
        "google:EmptyUniverseError google:UniverseMismatchError google:FeatureGatingError": _WRONG_SETUP,
        "google.api_core.iam.InvalidOperationException": _MISUSE,
        # Asked too early whether a long-running operation is done
        "google:_OperationNotComplete": verdict(Category.TRANSIENT, Code.TIMEOUT, "always", "ignore"),
    }
)
_AUTH: Table = table(
    {
        "google.auth.exceptions.RefreshError google.auth.exceptions.OAuthError": _by_refresh,
        "google.auth.exceptions.TransportError": _by_transport,
        "google.auth.exceptions.TimeoutError": _TIMEOUT,
        "google.auth.exceptions.ResponseError": verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent"),
        "google.auth.exceptions.MalformedError google.auth.exceptions.InvalidResource": _WRONG_SETUP,
        "google.auth.exceptions.InvalidOperation google.auth.exceptions.InvalidValue": _WRONG_SETUP,
        "google.auth.exceptions.InvalidType google.auth.exceptions.OSError": _WRONG_SETUP,
        "google.auth.exceptions.DefaultCredentialsError": _NO_CREDENTIALS,
        "google.auth.exceptions.UserAccessTokenError": _NO_CREDENTIALS,  # of gcloud
        "google.auth.exceptions.MutualTLSChannelError google.auth.exceptions.ClientCertError": _BAD_CERTIFICATE,
        "google.auth.exceptions.GoogleAuthError": Otherwise(_TOKEN_REFUSED),
        "google_auth_oauthlib:WSGITimeoutError": _TOKEN_REFUSED,  # nobody gave consent in the browser
    }
)
_STORAGE: Table = table(
    {
        "google:InvalidResponse": _by_transfer_status,
        "google:DataCorruption": _GARBLED,  # a checksum that does not fit
        "google:InvalidPathError": _BAD_INPUT,
    }
)
_DISCOVERY: Table = table(
    {
        "googleapiclient:BatchError": _by_batch,
        "googleapiclient:HttpError": _by_http_error,
        "googleapiclient:InvalidJsonError": verdict(Category.EXTERNAL, Code.INVALID_JSON),
        "googleapiclient:MediaUploadSizeError": _TOO_LARGE,
        "googleapiclient:UnknownFileType googleapiclient:UnknownLinkType": _BAD_INPUT,
        "googleapiclient:UnacceptableMimeTypeError googleapiclient:InvalidChunkSizeError": _BAD_INPUT,
        "googleapiclient:UnknownApiNameOrVersion": _WRONG_SETUP,
        "googleapiclient:UnexpectedMethodError googleapiclient:UnexpectedBodyError": _MISUSE,
        "googleapiclient:Error": Otherwise(_NONSENSE),
        # The resolver's error is its context.
        "httplib2:ServerNotFoundError": Otherwise(verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always")),
        "httplib2:RedirectLimit httplib2:RedirectMissingLocation": _REDIRECTED,
        "httplib2:RelativeURIError": _BAD_INPUT,
        "httplib2:ProxiesUnavailableError": _MODULE_MISSING,
        "httplib2:UnimplementedDigestAuthOptionError httplib2:UnimplementedHmacDigestAuthOptionError": _WRONG_SETUP,
        "httplib2:FailedToDecompressContent": _NONSENSE,
        "httplib2:HttpLib2Error": Otherwise(_NONSENSE),
    }
)
_SERVICES: Table = table(
    {
        "google:AcknowledgeError": _by_acknowledgement,
        "google:MessageTooLargeError": _TOO_LARGE,
        "google:FlowControlLimitError": verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore"),
        "google:PublishToPausedOrderingKeyException": verdict(
            Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "ignore"
        ),
        # The DB-APIs of Spanner and BigQuery keep api-core's error as the cause.
        "google:RetryAborted": ABORTED,
        "google:IntegrityError": Otherwise(verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")),
        "google:DataError": Otherwise(verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success")),
        "google:ProgrammingError": Otherwise(verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")),
        "google:NotSupportedError google:InterfaceError": Otherwise(_MISUSE),
        "google:DatabaseError": Otherwise(_SERVER_FAILED),
        "google.cloud.spanner_dbapi.exceptions.Error google.cloud.bigquery.dbapi.exceptions.Error": Otherwise(
            _SERVER_FAILED
        ),
        "google.cloud.bigquery.exceptions.BigQueryError": _MODULE_MISSING,  # pandas, pyarrow: missing or too old
        "google:ReadAfterWriteError google:QueryExplainError": _MISUSE,
        # protobuf
        "google:DecodeError google.protobuf.json_format.ParseError google.protobuf.text_format.ParseError": _NONSENSE,
        "google:EncodeError google:SerializeToJsonError": _BAD_INPUT,
        "google.protobuf.json_format.Error google.protobuf.message.Error google.protobuf.text_format.Error": _NONSENSE,
        "google.protobuf.runtime_version.VersionError": _MODULE_MISSING,  # older than the generated code wants
        "google.protobuf.descriptor.Error google.protobuf.descriptor_database.Error": _MISUSE,
        "google.protobuf.message.FrozenInstanceError": _MISUSE,
    }
)

GOOGLE: Table = {**_API_CORE, **_AUTH, **_STORAGE, **_DISCOVERY, **_SERVICES}
