"""What Azure says in `x-ms-error-code`, in `error.code` of a body, and in Cosmos DB's sub-statuses.

Azure's statuses mean what HTTP says they mean, so only codes that tell more, or otherwise, than their status are
listed: a container that is just being deleted is a 409 that passes, a wrong key for storage a 400 or 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_BUSY_CHANGING = verdict(Category.TRANSIENT, Code.CONFLICT, "always")
_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_NO_CAPACITY = verdict(Category.RESOURCE, Code.EXTERNAL_UNAVAILABLE, "always", "ignore")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_TOKEN_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_CONFLICT = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_CONDITION_FAILED = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_SERVER_ERROR = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")

_ROWS: dict[str, Classification] = {
    # -- for the moment -------------------------------------------------------------------------------------------
    "ServerBusy ServiceUnavailable": _UNAVAILABLE,
    "OperationTimedOut": _TIMEOUT,  # storage, with status 500
    "ServerTimeout GatewayTimeout": verdict(Category.TRANSIENT, Code.GATEWAY_TIMEOUT, "idempotent"),
    "InternalError InternalServerError": _SERVER_ERROR,
    "AccountBeingCreated ContainerBeingDeleted QueueBeingDeleted ShareBeingDeleted TableBeingDeleted": _BUSY_CHANGING,
    "FilesystemBeingDeleted SourcePathIsBeingDeleted DestinationPathIsBeingDeleted DeletePending": _BUSY_CHANGING,
    "PendingCopyOperation ShareSnapshotInProgress ClientCacheFlushDelay SystemInUse": _BUSY_CHANGING,
    "FileLockConflict SharingViolation": _BUSY_CHANGING,
    "AnotherOperationInProgress OperationInProgress ResourceGroupBeingDeleted": _BUSY_CHANGING,
    "ParentResourceBusy RetryableError RetryableErrorDueToAnotherOperation": _BUSY_CHANGING,
    "ObjectIsBeingDeleted ObjectIsBeingRecovered": _BUSY_CHANGING,  # key vault, deep in the body of its 409
    "Md5Mismatch": verdict(Category.TRANSIENT, Code.BAD_REQUEST, "always", "ignore"),  # garbled on the way
    # -- rates, quotas and capacity -------------------------------------------------------------------------------
    "TooManyRequests Throttled RequestRateTooLarge SnapshotOperationRateExceeded": _RATE_LIMITED,
    "SubscriptionRequestsThrottled ResourceRequestsThrottled RateLimitReached RateLimitExceeded": _RATE_LIMITED,
    "QuotaExceeded insufficient_quota DeploymentQuotaExceeded StorageQuotaExceeded": _USED_UP,
    "SnapshotCountExceeded ShareSnapshotCountExceeded BlockCountExceedsLimit": _USED_UP,
    "TotalSharesCountExceedsAccountLimit TotalSharesProvisionedCapacityExceedsAccountLimit": _USED_UP,
    "TotalSharesProvisionedIopsExceedsAccountLimit TotalSharesProvisionedBandwidthExceedsAccountLimit": _USED_UP,
    "AllocationFailed ZonalAllocationFailed OverconstrainedAllocationRequest SkuNotAvailable": _NO_CAPACITY,
    # -- who may do it --------------------------------------------------------------------------------------------
    "AuthenticationFailed InvalidAuthenticationInfo NoAuthenticationInformation Unauthorized": _NOT_LET_IN,
    "InvalidAuthenticationToken InvalidAuthenticationTokenTenant": _NOT_LET_IN,
    "ExpiredAuthenticationToken TokenExpired": _TOKEN_EXPIRED,
    "AuthorizationFailure AuthorizationFailed AuthorizationPermissionMismatch Forbidden": _FORBIDDEN,
    "AuthorizationSourceIPMismatch AuthorizationProtocolMismatch AuthorizationServiceMismatch": _FORBIDDEN,
    "AuthorizationResourceTypeMismatch InsufficientAccountPermissions AccountIsDisabled": _FORBIDDEN,
    "LinkedAuthorizationFailed RequestDisallowedByPolicy ReadOnlyDisabledSubscription": _FORBIDDEN,
    "MissingSubscriptionRegistration SubscriptionNotRegistered NoRegisteredProviderFound": _WRONG_SETUP,
    # -- for good -------------------------------------------------------------------------------------------------
    "AccountAlreadyExists ResourceAlreadyExists BlobAlreadyExists ContainerAlreadyExists QueueAlreadyExists": _EXISTS,
    "ShareAlreadyExists PathAlreadyExists FilesystemAlreadyExists TableAlreadyExists EntityAlreadyExists": _EXISTS,
    "UnauthorizedBlobOverwrite ObjectIsDeletedButRecoverable": _EXISTS,
    "ResourceNotFound BlobNotFound ContainerNotFound QueueNotFound MessageNotFound ShareNotFound": _NOT_FOUND,
    "ParentNotFound PathNotFound FilesystemNotFound TableNotFound EntityNotFound CannotVerifyCopySource": _NOT_FOUND,
    "ResourceGroupNotFound SubscriptionNotFound SecretNotFound KeyNotFound CertificateNotFound": _NOT_FOUND,
    "ConditionNotMet SourceConditionNotMet TargetConditionNotMet AppendPositionConditionNotMet": _CONDITION_FAILED,
    "SequenceNumberConditionNotMet MaxBlobSizeConditionNotMet UpdateConditionNotSatisfied": _CONDITION_FAILED,
    "BlobOverwritten": _CONDITION_FAILED,
    "RequestBodyTooLarge EntityTooLarge MessageTooLarge MetadataTooLarge PropertyValueTooLarge": _TOO_LARGE,
    "ContentLengthLargerThanTierLimit": _TOO_LARGE,
    "InvalidDuplicateRow Md5Invalid InvalidInput InvalidResourceName": _WRONG_REQUEST,
    "OperationNotAllowed ScopeLocked": _CONFLICT,
}
_CODES = {
    code.lower(): meaning.because(f"Azure error code {code}")
    for codes, meaning in _ROWS.items()
    for code in codes.split()
}
_LONGEST = 100


def by_code(code: str) -> Classification | None:
    """Judge by the code, in whatever case; None if its status says all there is to say."""
    return _CODES.get(code.lower()) if len(code) <= _LONGEST else None


# -- Cosmos DB ----------------------------------------------------------------------------------------------------
# https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb, and what its SDK does about each.

_COSMOS: dict[tuple[int, int | None], Classification] = {
    (403, 3): _UNAVAILABLE,  # the region has just stopped taking writes
    (403, 1008): _UNAVAILABLE,  # the account is not, or no longer, in this region
    (403, 1005): _USED_UP,
    (403, 1010): _USED_UP,
    (404, 1002): verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always", "ignore"),  # the replica lags behind
    (404, 1013): _BUSY_CHANGING,  # the container is still being made
    (408, None): verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "idempotent"),  # a write may have been done
    (409, 1006): _BUSY_CHANGING,
    (410, None): _UNAVAILABLE,  # a partition has moved, was split or merged
    (449, None): _BUSY_CHANGING,  # "Retry With": two writes at once
}
_COSMOS_SAYS = {
    (status, sub): meaning.because(f"Cosmos DB status {status}" if sub is None else f"Cosmos DB status {status}/{sub}")
    for (status, sub), meaning in _COSMOS.items()
}


def by_cosmos_status(status: int, sub_status: int | None) -> Classification | None:
    """Judge a Cosmos DB error by its status and sub-status; None if HTTP's meaning holds."""
    return _COSMOS_SAYS.get((status, sub_status)) or _COSMOS_SAYS.get((status, None))
