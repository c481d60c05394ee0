"""Why a Google service refused a call, where the reason says more than the status beside it.

Two vocabularies: that of `google.rpc.ErrorInfo` in capitals
(https://github.com/googleapis/googleapis/blob/master/google/api/error_reason.proto), and that of the older JSON APIs
(Drive, Calendar, Gmail, YouTube, Compute Engine, BigQuery), which is written likeThis and sends most limits as 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
ABORTED = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")
_NO_KEY = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_ENABLED = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_NOT_READY = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")

_ROWS: dict[str, Classification] = {
    # so many calls a second or a minute
    "RATE_LIMIT_EXCEEDED rateLimitExceeded userRateLimitExceeded": RATE_LIMITED,
    "rateLimitExceededUnreg userRateLimitExceededUnreg servingLimitExceeded concurrentLimitExceeded": RATE_LIMITED,
    "jobRateLimitExceeded uploadRateLimitExceeded sharingRateLimitExceeded variableTermLimitExceeded": RATE_LIMITED,
    # so many a day, or so many at all: no client of Google's retries these
    "RESOURCE_QUOTA_EXCEEDED quotaExceeded dailyLimitExceeded dailyLimitExceededUnreg": _USED_UP,
    "variableTermExpiredDailyExceeded billingTierLimitExceeded storageQuotaExceeded uploadLimitExceeded": _USED_UP,
    "activeItemCreationLimitExceeded teamDriveFileLimitExceeded numChildrenInNonRootLimitExceeded": _USED_UP,
    "BILLING_DISABLED billingNotEnabled": _USED_UP,
    # a project that was not set up for this service
    "SERVICE_DISABLED CONSUMER_INVALID SERVICE_NOT_VISIBLE accessNotConfigured": _NOT_ENABLED,
    # credentials; a wrong key comes as 400
    "API_KEY_INVALID keyInvalid CREDENTIALS_MISSING": _NO_KEY,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED ACCOUNT_STATE_INVALID": _NO_KEY,
    "ACCESS_TOKEN_EXPIRED keyExpired": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"),
    # what a key, an account or a project may not do
    "API_KEY_SERVICE_BLOCKED API_KEY_HTTP_REFERRER_BLOCKED API_KEY_IP_ADDRESS_BLOCKED": _NOT_ALLOWED,
    "API_KEY_ANDROID_APP_BLOCKED API_KEY_IOS_APP_BLOCKED ACCESS_TOKEN_SCOPE_INSUFFICIENT": _NOT_ALLOWED,
    "IAM_PERMISSION_DENIED USER_PROJECT_DENIED CONSUMER_SUSPENDED SECURITY_POLICY_VIOLATED": _NOT_ALLOWED,
    # what comes as 400, 403 or 409 and means something else
    "aborted ABORTED": ABORTED,
    "failedPrecondition": verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
    "resourceInUse": verdict(Category.PERMANENT, Code.CONFLICT, "never", "success"),
    "responseTooLarge uploadTooLarge requestTooLarge": _TOO_LARGE,
    "tableUnavailable resourceNotReady": _NOT_READY,
    # how a BigQuery job ended: its error has the status 200 if somebody stopped it
    "stopped": verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore"),
    "timeout": verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
}
REASONS: dict[str, Classification] = {
    reason: meaning.because(f"Google's reason {reason}")
    for reasons, meaning in _ROWS.items()
    for reason in reasons.split()
}

SPENT_QUOTA = _USED_UP.because("quota that a wait of seconds does not refill")
