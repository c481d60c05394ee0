"""AWS: botocore, boto3, s3transfer and aiobotocore, whose errors are botocore's.

Nearly every refusal is a `ClientError`, or a subclass that botocore makes of the service's model when it starts. Its
`response` is a dict, and the code in there says more than the class or the status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, full_name, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .aws_codes import (
    BUSY_CHANGING,
    CLOCK_IS_WRONG,
    CONDITION_FAILED,
    CONFLICT,
    RATE_LIMITED,
    REFUSED,
    RUN_AGAIN,
    USED_UP,
    WRONG_REQUEST,
    bare,
    by_code,
    by_words,
)
from .network_texts import spoken_of_tls
from .phrases import lowered

if TYPE_CHECKING:
    from ..classification import Classification

_MOST_REASONS = 100  # items in one transaction
_LONGEST_MESSAGE = 200

# -- what a service answered ----------------------------------------------------------------------------------------

# The same code, told apart by its message. DynamoDB, Kinesis and others limit rates with LimitExceeded, and botocore
# retries it; most services mean a quota that no waiting refills.
_BY_WORDS: dict[str, tuple[tuple[tuple[str, ...], Classification], ...]] = {
    "limitexceeded": (
        (("quota", "cannot exceed", "would exceed", "maximum number", "maximum allowed", "limit for"), USED_UP),
    ),
    # SES for its daily quota, Bedrock for "too many tokens per day".
    "throttling": ((("daily", "per day"), USED_UP),),
    "invalidsignature": ((("signature expired", "not yet current"), CLOCK_IS_WRONG),),
    "signaturedoesnotmatch": ((("signature expired", "not yet current"), CLOCK_IS_WRONG),),
    # Lambda while a function is being updated.
    "resourceconflict": ((("in progress", "pending"), BUSY_CHANGING),),
    "conflict": ((("in progress", "try again", "concurrent"), BUSY_CHANGING),),
    "resourceinuse": ((("being created", "being updated", "being deleted"), BUSY_CHANGING),),
}
# AWS says 424 of a service behind the one that was asked, of a model, a connector, a device.
_DEPENDENCY_FAILED = STATUSES[500].because("HTTP status 424 from AWS")
_OTHER_REFUSAL = REFUSED.because("AWS error without a code that is known")

# Why a DynamoDB transaction was cancelled, one reason for each of its items; the first of these rows decides.
_CANCELLATIONS: tuple[tuple[str, Classification], ...] = (
    ("accessdenied", verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")),
    ("validation", WRONG_REQUEST),
    ("conditionalcheckfailed", CONDITION_FAILED),
    ("duplicateitem", verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")),
    ("itemcollectionsizelimitexceeded", USED_UP),
    ("transactionconflict", RUN_AGAIN),
    ("throttling", RATE_LIMITED),
    ("provisionedthroughputexceeded", RATE_LIMITED),
)
_BY_CANCELLATION = tuple(
    (reason, meaning.because(f"transaction cancelled: {reason}")) for reason, meaning in _CANCELLATIONS
)


def _by_response(error: Any) -> Answer:
    """Judge a `ClientError`; one that was built by hand may have a class of the model's and no code."""
    response = read(error, "response")
    code = look_up(response, "Error", "Code")
    if not isinstance(code, str) or not code:
        code = type(error).__name__ if full_name(type(error)).startswith("botocore.errorfactory.") else ""
    found = _meaning(code, response)
    retries = look_up(response, "ResponseMetadata", "RetryAttempts")
    if isinstance(retries, int) and not isinstance(retries, bool) and retries > 0:
        found = found.because(f"{found.reason}, after {min(retries, 1000)} retries by botocore")
    return found.waiting(_seconds_to_wait(response))


def _meaning(code: str, response: Any) -> Classification:
    status = as_status(look_up(response, "ResponseMetadata", "HTTPStatusCode"))
    of_bodyless = as_status(code)  # an answer without a body, as to a HEAD: the code is the status
    if of_bodyless is not None:
        return STATUSES[of_bodyless]
    message = look_up(response, "Error", "Message")
    words = message[:_LONGEST_MESSAGE].lower() if isinstance(message, str) else ""
    name = bare(code)
    if name == "transactioncanceled":
        found = _by_cancellation_reasons(response, words)
    else:
        found = _by_message(name, words) or by_code(code)
    if name == "limitexceeded" and found is not None and _is_a_quota(code, status):
        return USED_UP.because(found.reason)
    if found is None:
        found = by_words(code)
        if found is not None and _says_less_than(found, status):
            found = None
    if found is None and status is not None:
        return _DEPENDENCY_FAILED if status == 424 else STATUSES[status]
    return found or _OTHER_REFUSAL


def _is_a_quota(code: str, status: int | None) -> bool:
    """Whether it is no rate: IAM, CloudWatch and others say "LimitExceeded" only, which botocore does not retry."""
    return status in (402, 409, 410, 412) or not code.lower().endswith("exception")


def _says_less_than(found: Classification, status: int | None) -> bool:
    """Whether a status tells more than words such as "invalid" or "limit" in a code that nobody listed."""
    if status == 429:
        return not found.retryable
    return found.category is Category.VALIDATION and (status in (401, 403, 404, 409, 412) or (status or 0) >= 500)


def _by_message(name: str, words: str) -> Classification | None:
    for fragments, meaning in _BY_WORDS.get(name, ()):
        for fragment in fragments:
            if fragment in words:
                return meaning.because(f"AWS error code {name} with {fragment!r} in its message")
    return None


def _by_cancellation_reasons(response: Any, words: str) -> Classification | None:
    """Judge a cancelled transaction by its reasons, which boto3's resources leave in the message only."""
    listed = look_up(response, "CancellationReasons")
    codes = set()
    if isinstance(listed, (list, tuple)):
        codes = {bare(code) for each in listed[:_MOST_REASONS] if isinstance(code := look_up(each, "Code"), str)}
    if not codes - {"none"}:
        codes = {bare(code) for code in words.partition("[")[2].partition("]")[0].split(",")}
    for reason, meaning in _BY_CANCELLATION:
        if reason in codes:
            return meaning
    return by_code("TransactionCanceledException")


def _seconds_to_wait(response: Any) -> float | None:
    """Return what some services put into the body; the headers are read for all libraries alike."""
    for name in ("retryAfterSeconds", "RetryAfterSeconds"):
        value = look_up(response, name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000_000:
            return float(value)
    return None


# -- what botocore itself raises ------------------------------------------------------------------------------------

_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_NOT_INSTALLED = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_LOGIN_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "ignore")
_LOGIN_FAILED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "ignore")
_LOGIN_SERVICE_FAILED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "always", "ignore")
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NO_ROOM = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_BROKEN_OFF = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_CUT_SHORT = verdict(Category.TRANSIENT, Code.INCOMPLETE_READ, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")  # another attempt may well get it whole
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_BAD_CERTIFICATE = verdict(
    Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore", reason="certificate refused"
)
_BAD_HANDSHAKE = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="type botocore.SSLError")


def _text(error: Any) -> str:
    first = error.args[0] if error.args else ""
    return first if isinstance(first, str) else ""


def _by_tls_words(error: Any) -> Answer:
    """Judge an `SSLError`; its cause says it better, if it is still there."""
    words = lowered(_text(error), 600)
    return Otherwise(spoken_of_tls(words) or (_BAD_CERTIFICATE if "certificate" in words else _BAD_HANDSHAKE))


_WAITED_TOO_LONG = _TIMEOUT.because("waiter out of attempts")
_NEVER_TO_COME = CONFLICT.because("waiter met a state that will not change")


def _by_waiter_reason(error: Any) -> Answer:
    """Judge a `WaiterError`: out of attempts, a final state, or an error that the service answered with."""
    response = read(error, "last_response")
    code = look_up(response, "Error", "Code")
    reason = look_up(read(error, "kwargs"), "reason")
    words = (reason if isinstance(reason, str) else _text(error))[:_LONGEST_MESSAGE].lower()
    if "max attempts" in words:
        return _WAITED_TOO_LONG
    if isinstance(code, str) and code and "terminal failure" not in words:
        return _meaning(code, response)
    return _NEVER_TO_COME


_CHECKSUM_WRONG = _GARBLED.because("checksum of the reply is wrong")
_CHECKSUM_UNUSABLE = _WRONG_SETUP.because("checksum that cannot be made here")


def _by_checksum_words(error: Any) -> Answer:
    words = _text(error)[:_LONGEST_MESSAGE]
    return _CHECKSUM_UNUSABLE if words.startswith(("Unsupported", "Unknown")) else _CHECKSUM_WRONG


_TRANSFER_FAILED = verdict(
    Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="transfer failed for an unknown reason"
)
_SOURCE_CHANGED = verdict(
    Category.TRANSIENT, Code.CONFLICT, "idempotent", "ignore", reason="object changed during the transfer"
)


def _by_transfer_words(error: Any) -> Answer:
    """Judge a failed transfer by the code that its message quotes; its cause, if there is one, says it better."""
    text = _text(error)[:1000]
    if "did not match expected ETag" in text:
        return _SOURCE_CHANGED
    code, closed, _ = text.partition("An error occurred (")[2].partition(")")
    return Otherwise(_meaning(code, None) if closed else _TRANSFER_FAILED)


def _by_retry_time(error: Any) -> Answer:
    """Judge s3transfer's own limit of bandwidth, which says how long to wait."""
    seconds = read(error, "retry_time")
    valid = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 <= seconds < 1e6
    return _NO_ROOM.because("s3transfer's limit of bandwidth").waiting(float(seconds) if valid else None)


AWS: Table = table(
    {
        "botocore:ClientError": _by_response,
        # -- connections; botocore keeps the cause as context and in `kwargs` ---------------------------------------
        "botocore:EndpointConnectionError botocore:ConnectionError": Otherwise(_NOT_CONNECTED),
        "botocore:ConnectTimeoutError botocore:ConnectTimeout": verdict(
            Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"
        ),
        "botocore:ReadTimeoutError botocore:ReadTimeout": verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent"),
        "botocore:ConnectionClosedError": Otherwise(verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")),
        "botocore:SSLError": _by_tls_words,
        "botocore:ProxyConnectionError botocore:ProxyError": Otherwise(
            verdict(Category.EXTERNAL, Code.PROXY_ERROR, "idempotent")
        ),
        "botocore:HTTPClientError": Otherwise(_BROKEN_OFF),
        "botocore:ResponseStreamingError": Otherwise(_CUT_SHORT),
        "botocore:IncompleteReadError botocore:ChunkedEncodingError": _CUT_SHORT,
        "botocore:ChecksumError botocore:ResponseParserError": _GARBLED,
        "botocore:FlexibleChecksumError": _by_checksum_words,
        # The base of what is wrong in an event stream: lengths, headers, checksums.
        "botocore:ParserError": _GARBLED,
        "botocore:PaginationError": _NONSENSE,  # the same page twice
        "botocore:CapacityNotAvailableError": _NO_ROOM,  # its own budget for retries is spent
        "botocore:WaiterError": _by_waiter_reason,
        # -- credentials --------------------------------------------------------------------------------------------
        "botocore:NoCredentialsError botocore:PartialCredentialsError botocore:NoAuthTokenError": _NO_CREDENTIALS,
        "botocore:CredentialRetrievalError botocore:MetadataRetrievalError": _LOGIN_SERVICE_FAILED,
        "botocore:_RetriesExceededError botocore:BadIMDSRequestError": _LOGIN_SERVICE_FAILED,
        "botocore:TokenRetrievalError botocore:SSOError botocore:LoginError": _LOGIN_FAILED,
        "botocore:UnauthorizedSSOTokenError botocore:LoginRefreshRequired": _LOGIN_EXPIRED,
        "botocore:RefreshWithMFAUnsupportedError": _LOGIN_EXPIRED,  # somebody has to type a number
        "botocore:LoginInsufficientPermissions": verdict(Category.AUTH, Code.FORBIDDEN, "never", "ignore"),
        # -- what the caller gave -----------------------------------------------------------------------------------
        "botocore:ParamValidationError botocore:ValidationError botocore:MissingParametersError": _WRONG_INPUT,
        "botocore:InvalidExpressionError botocore:InvalidHostLabelError botocore:InvalidDNSNameError": _WRONG_INPUT,
        "botocore:UnsupportedS3ArnError botocore:UnsupportedS3ControlArnError": _WRONG_INPUT,
        "botocore:UnsupportedOutpostResourceError botocore:InvalidArnException": _WRONG_INPUT,
        # -- set-up: whatever else botocore raises, since nearly all its other errors are of that kind --------------
        "botocore:InvalidRegionError": _WRONG_SETUP,
        "botocore:MissingDependencyException botocore:MD5UnavailableError": _NOT_INSTALLED,
        "botocore:EndpointDiscoveryRefreshFailed": Otherwise(
            verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
        ),
        "botocore:BotoCoreError": Otherwise(_WRONG_SETUP),
        # -- mistakes in the program --------------------------------------------------------------------------------
        "botocore:UnknownClientMethodError botocore:OperationNotPageableError": _MISUSE,
        "botocore:UnseekableStreamError botocore:AwsChunkedWrapperError botocore:StubResponseError": _MISUSE,
        "botocore:UndefinedModelAttributeError botocore:NoShapeFoundError botocore:InvalidShapeError": _MISUSE,
        "botocore:OperationNotFoundError botocore:InvalidShapeReferenceError": _MISUSE,
        # -- the copy of requests and urllib3 that old versions of botocore spoke HTTP with -------------------------
        "botocore:Timeout botocore:TimeoutError": _TIMEOUT,
        "botocore:ProtocolError botocore:RequestException botocore:HTTPError": Otherwise(_BROKEN_OFF),
        "botocore:TooManyRedirects": REFUSED,
        "botocore:DecodeError botocore:ContentDecodingError": _NONSENSE,
        "botocore:EmptyPoolError": _NO_ROOM,
        "botocore:InvalidURL botocore:InvalidSchema botocore:MissingSchema botocore:URLRequired": _WRONG_INPUT,
        "botocore:LocationValueError": _WRONG_INPUT,
        "botocore:ClosedPoolError botocore:StreamConsumedError botocore:TimeoutStateError": _MISUSE,
        # -- boto3 --------------------------------------------------------------------------------------------------
        "boto3:S3UploadFailedError boto3:S3TransferFailedError": _by_transfer_words,
        "boto3:RetriesExceededError": Otherwise(_CUT_SHORT),
        "boto3:ResourceLoadException boto3:DynamoDBOperationNotSupportedError": _MISUSE,
        "boto3:DynamoDBNeedsConditionError boto3:DynamoDBNeedsKeyConditionError": _MISUSE,
        "boto3:Boto3Error": Otherwise(_WRONG_SETUP),
        # -- s3transfer ---------------------------------------------------------------------------------------------
        "s3transfer:RetriesExceededError": Otherwise(_CUT_SHORT),
        "s3transfer:S3UploadFailedError s3transfer:S3DownloadFailedError": _by_transfer_words,
        "s3transfer:S3CopyFailedError": _by_transfer_words,
        "s3transfer:S3ValidationError": _GARBLED,  # another range than the one asked for
        "s3transfer:RequestExceededException": _by_retry_time,
        "s3transfer:NoResourcesAvailable": _NO_ROOM,
        "s3transfer:QueueShutdownError s3transfer:TransferNotDoneError": _MISUSE,
        "s3transfer:InvalidSubscriberMethodError": _MISUSE,
    }
)
