"""Services whose clients give little more than an HTTP status: Twilio, GitHub, GitLab, SendGrid, Telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of

if TYPE_CHECKING:
    from ..classification import Classification

_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR)


# -- Twilio ---------------------------------------------------------------------------------------------------

# https://www.twilio.com/docs/api/errors: where the number says more than the status beside it.
_TWILIO: dict[int, Classification] = {
    **dict.fromkeys((14107, 20429, 30022, 51002, 54009), _RATE_LIMITED),
    **dict.fromkeys((21611, 30001), _FULL),  # the sender's queue of messages is full
    **dict.fromkeys((30002, 63038, 90010), _USED_UP),  # account suspended, daily limit, inactive
    **dict.fromkeys((20003, 20005, 20006, 20101, 20104), _NOT_LET_IN),
    **dict.fromkeys((21408, 21608, 21610, 21612), _FORBIDDEN),  # no permission for that region, that number; opted out
}
_BY_TWILIO_NUMBER = {number: meaning.because(f"Twilio error {number}") for number, meaning in _TWILIO.items()}


def _by_twilio_number(error: Any) -> Answer:
    number = read(error, "code")
    return _BY_TWILIO_NUMBER.get(number) if is_whole(number) else None


def _by_twilio_text(error: Any) -> Answer:
    return _WITHOUT_CREDENTIALS if "credentials are required" in text_of(error, 200) else Otherwise(_OTHER)


_WITHOUT_CREDENTIALS = _NO_CREDENTIALS.because("Twilio client without credentials")


# -- GitHub, GitLab, SendGrid ---------------------------------------------------------------------------------


def _by_github_data(error: Any) -> Answer:
    """Judge what GitHub says beside the status; its rate limits come as 403 too, told by headers or only in words."""
    data = read(error, "data")
    message, errors = look_up(data, "message"), look_up(data, "errors")
    if isinstance(message, str) and "rate limit" in message[:200].lower():
        return _GITHUB_LIMIT
    if isinstance(errors, (list, tuple)) and any(look_up(each, "code") == "already_exists" for each in errors[:20]):
        return _GITHUB_EXISTS
    return None


_GITHUB_LIMIT = _RATE_LIMITED.because("rate limit of GitHub")
_GITHUB_EXISTS = _EXISTS.because("GitHub says already_exists")


def _by_gitlab_status(error: Any) -> Answer:
    status = as_status(read(error, "response_code"))
    return Otherwise(_OTHER) if status is None else STATUSES[status]


# -- Telegram -------------------------------------------------------------------------------------------------


def _by_telegram_text(error: Any) -> Answer:
    """Judge an error that may wrap one of httpx, or tell an HTTP status in its text only."""
    message = read(error, "message")
    words = message[:200].lower() if isinstance(message, str) else ""
    if "bad gateway" in words:
        return STATUSES[502]
    if "internal server error" in words:
        return STATUSES[500]
    return Otherwise(_NOT_CONNECTED)


REST_CLIENTS: Table = table(
    {
        "twilio:TwilioRestException twilio:TwilioServiceException": _by_twilio_number,
        "twilio:TwilioException": _by_twilio_text,
        "twilio:JwtDecodeError": _NOT_LET_IN,
        "twilio:TwiMLException": _BAD_VALUE,
        "twilio:ObsoleteException": _BAD_SETUP,
        "github:RateLimitExceededException": _RATE_LIMITED,
        "github:BadCredentialsException github:TwoFactorException": _NOT_LET_IN,
        "github:UnknownObjectException": _NOT_FOUND,
        "github:BadUserAgentException": _BAD_SETUP,
        "github:BadAttributeException": _NONSENSE,
        "github:IncompletableObject": _MISUSE,
        "github:GithubException": _by_github_data,
        "gitlab:GitlabAuthenticationError": _NOT_LET_IN,
        "gitlab:GitlabParsingError": _NONSENSE,
        "gitlab:GitlabConnectionError": Otherwise(_NOT_CONNECTED),
        "gitlab:ConfigError": _BAD_SETUP,
        "gitlab:GitlabError": _by_gitlab_status,
        "python_http_client:BadRequestsError": STATUSES[400],
        "python_http_client:UnauthorizedError": STATUSES[401],
        "python_http_client:ForbiddenError": STATUSES[403],
        "python_http_client:NotFoundError": STATUSES[404],
        "python_http_client:MethodNotAllowedError": STATUSES[405],
        "python_http_client:PayloadTooLargeError": STATUSES[413],
        "python_http_client:UnsupportedMediaTypeError": STATUSES[415],
        "python_http_client:TooManyRequestsError": STATUSES[429],
        "python_http_client:InternalServerError": STATUSES[500],
        "python_http_client:ServiceUnavailableError": STATUSES[503],
        "python_http_client:GatewayTimeoutError": STATUSES[504],
        "sendgrid:SendGridException": _BAD_VALUE,
        "jira:NotJIRAInstanceError": _BAD_SETUP,
        "telegram:RetryAfter": _RATE_LIMITED,
        "telegram:TimedOut": Otherwise(_TIMEOUT),
        "telegram:BadRequest": _WRONG_REQUEST,
        "telegram:Forbidden": _FORBIDDEN,
        "telegram:InvalidToken": _NOT_LET_IN,
        "telegram:EndPointNotFound": _WRONG_REQUEST,
        "telegram:ChatMigrated": _GONE,
        "telegram:Conflict": _IN_THE_WAY,  # another program asks for updates with the same token
        "telegram:NetworkError telegram:TelegramError": _by_telegram_text,
        "telegram:PassportDecryptionError telegram:InvalidCallbackData": _NONSENSE,
    }
)
