"""What AWS services say in `Error.Code`, whatever the HTTP status beside it: AWS sends its throttling as 400.

There are some three thousand codes and every service adds its own, but nearly all are made of a few words. So the
codes that are known one by one come first, and then those words, from the most telling to the least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
CLOCK_IS_WRONG = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
BUSY_CHANGING = verdict(Category.TRANSIENT, Code.CONFLICT, "always")  # botocore itself asks again after most of these
CONFLICT = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
CONDITION_FAILED = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
REFUSED = verdict(Category.PERMANENT, Code.BAD_REQUEST, "never", "success")
RUN_AGAIN = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_NO_CAPACITY = verdict(Category.RESOURCE, Code.EXTERNAL_UNAVAILABLE, "always", "ignore")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_TOKEN_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_UNPROCESSABLE = verdict(Category.VALIDATION, Code.UNPROCESSABLE, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_SERVER_ERROR = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_BAD_GATEWAY = verdict(Category.TRANSIENT, Code.BAD_GATEWAY, "idempotent")
_GATEWAY_TIMEOUT = verdict(Category.TRANSIENT, Code.GATEWAY_TIMEOUT, "idempotent")
_REQUEST_TIMEOUT = verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")

# Endings as in "...Exception" and "...Fault" are left out: services and protocols differ in them for the same error.
_ROWS: dict[str, Classification] = {
    # -- what every service may say, https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html ----------
    "Throttling Throttled ThrottledClient ThrottledRequest RequestThrottled TooManyRequests": RATE_LIMITED,
    "RequestLimitExceeded BandwidthLimitExceeded SlowDown SlowDownRead SlowDownWrite RateExceeded": RATE_LIMITED,
    "ProvisionedThroughputExceeded EC2Throttled": RATE_LIMITED,
    "LimitExceeded": RATE_LIMITED,  # or a quota, by its status and message
    "ClientLimitExceeded ConnectionLimitExceeded": RATE_LIMITED,  # Kinesis Video Streams
    "APICallRateForCustomerExceeded": RATE_LIMITED,  # ElastiCache
    "AccessDenied NotAuthorized UnauthorizedOperation UnauthorizedAccess Unauthorized Forbidden": _FORBIDDEN,
    "OptInRequired SubscriptionRequired NotSignedUp PendingVerification Blocked AccountSuspended": _FORBIDDEN,
    "Auth AuthFailure IncompleteSignature InvalidAccessKeyId InvalidClientTokenId UnrecognizedClient": _NOT_LET_IN,
    "MissingAuthenticationToken SignatureDoesNotMatch InvalidSignature InvalidSecurity InvalidToken": _NOT_LET_IN,
    "ExpiredToken TokenRefreshRequired TokenExpired": _TOKEN_EXPIRED,
    "RequestTimeTooSkewed RequestExpired RequestInTheFuture": CLOCK_IS_WRONG,
    "RequestTimeout": _REQUEST_TIMEOUT,
    "InternalFailure Internal InternalServer InternalService Service Server ServiceFailure System": _SERVER_ERROR,
    "ServiceUnavailable Unavailable ServerBusy": _UNAVAILABLE,
    "ServiceQuotaExceeded": USED_UP,
    "ResourceNotFound NotFound": _NOT_FOUND,
    "Conflict ResourceConflict ResourceInUse": CONFLICT,
    "Validation BadRequest Client InvalidRequest": WRONG_REQUEST,
    "MalformedQueryString InvalidAction UnknownOperation UnsupportedOperation MethodNotAllowed": WRONG_REQUEST,
    "NotImplemented": REFUSED,
    "PaginationTokenExpired": _GONE,  # no login's token
    # -- S3 ---------------------------------------------------------------------------------------------------------
    "OperationAborted ConditionalRequestConflict": BUSY_CHANGING,
    "BucketNotEmpty InvalidBucketState InvalidObjectState ObjectNotInActiveTier": CONFLICT,
    "RestoreAlreadyInProgress BucketAlreadyOwnedByYou BucketAlreadyExists": _EXISTS,
    "EntityTooLarge MaxMessageLengthExceeded MetadataTooLarge": _TOO_LARGE,
    "BadDigest": verdict(Category.TRANSIENT, Code.BAD_REQUEST, "always", "ignore"),  # garbled on the way; botocore too
    "PermanentRedirect TemporaryRedirect Redirect IllegalLocationConstraint": _WRONG_SETUP,  # another region
    "AuthorizationHeaderMalformed": _WRONG_SETUP,  # the same
    "AccountProblem AllAccessDisabled InvalidPayer": _FORBIDDEN,
    "TooManyBuckets": USED_UP,
    "InvalidRange": WRONG_REQUEST,
    # -- DynamoDB and its streams, Kinesis, CloudWatch Logs ---------------------------------------------------------
    "ConditionalCheckFailed": CONDITION_FAILED,
    "TransactionConflict TransactionInProgress": RUN_AGAIN,
    "TransactionCanceled": CONFLICT,  # for reasons that it does not give
    "ReplicatedWriteConflict": BUSY_CHANGING,
    "ItemCollectionSizeLimitExceeded": USED_UP,
    "ContinuousBackupsUnavailable PointInTimeRecoveryUnavailable": CONFLICT,  # not enabled
    "TableInUse BackupInUse": CONFLICT,
    "DuplicateItem DataAlreadyAccepted": _EXISTS,
    "ExpiredIterator TrimmedDataAccess": _GONE,
    "InvalidSequenceToken": CONFLICT,
    # -- SQS, SNS, SES ----------------------------------------------------------------------------------------------
    "NonExistentQueue QueueDoesNotExist": _NOT_FOUND,
    # A name can be used again after a minute, and a queue be purged once in a minute.
    "QueueDeletedRecently PurgeQueueInProgress": BUSY_CHANGING.waiting(60.0),
    "OverLimit": RATE_LIMITED,  # too many messages in flight
    "QueueNameExists": _EXISTS,
    "MessageNotInflight EndpointDisabled PlatformApplicationDisabled": CONFLICT,
    "ReceiptHandleIsInvalid EmptyBatchRequest TooManyEntriesInBatchRequest": WRONG_REQUEST,
    "BatchEntryIdsNotDistinct BatchRequestTooLong ParameterValueInvalid": WRONG_REQUEST,
    "Authorization AccountSendingPaused ConfigurationSetSendingPaused SendingPaused": _FORBIDDEN,
    "OptedOut": REFUSED,  # the owner of that telephone
    "MessageRejected": WRONG_REQUEST,
    "MailFromDomainNotVerified": _WRONG_SETUP,
    # -- Lambda -----------------------------------------------------------------------------------------------------
    "ResourceNotReady SnapStartNotReady ENINotReady EFSMountConnectivity": _UNAVAILABLE,
    "EFSMountTimeout SnapStartTimeout": verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
    "EC2Unexpected": _SERVER_ERROR,
    "EC2AccessDenied KMSAccessDenied": _FORBIDDEN,
    "ENILimitReached SubnetIPAddressLimitReached CodeStorageExceeded": USED_UP,
    "KMSNotFound KMSDisabled KMSInvalidState EFSMountFailure EFSIO": _WRONG_SETUP,
    "InvalidRuntime InvalidZipFile InvalidSecurityGroupID InvalidSubnetID": _WRONG_SETUP,
    "RecursiveInvocation": REFUSED,
    # -- STS, IAM, KMS, Secrets Manager, Cognito, SSO ---------------------------------------------------------------
    "IDPCommunication OpenIdIdpCommunication": _UNAVAILABLE,
    "IDPRejectedClaim InvalidIdentityToken": _NOT_LET_IN,
    "InvalidAuthorizationMessage": WRONG_REQUEST,  # a message to be decoded
    "RegionDisabled": _WRONG_SETUP,
    "PackedPolicyTooLarge": _TOO_LARGE,
    "EntityTemporarilyUnmodifiable": BUSY_CHANGING,
    "DeleteConflict UnmodifiableEntity": CONFLICT,
    "EntityAlreadyExists": _EXISTS,
    "NoSuchEntity": _NOT_FOUND,
    "MalformedPolicyDocument PasswordPolicyViolation WAFInvalidPermissionPolicy": WRONG_REQUEST,
    "ReportGenerationLimitExceeded": USED_UP,
    "KeyUnavailable": _UNAVAILABLE,
    "KMSInternal": _SERVER_ERROR,
    "DependencyTimeout": _GATEWAY_TIMEOUT,
    "Disabled": CONFLICT,
    "IncorrectKey InvalidCiphertext InvalidGrantToken": WRONG_REQUEST,
    "DecryptionFailure EncryptionFailure GlueEncryption": _WRONG_SETUP,
    "PreconditionNotMet": CONDITION_FAILED,
    "UserNotConfirmed PasswordResetRequired InvalidGrant InvalidClient UnauthorizedClient": _NOT_LET_IN,
    "UsernameExists AliasExists": _EXISTS,
    "TooManyFailedAttempts": RATE_LIMITED,
    "CodeMismatch InvalidPassword InvalidScope UserLambdaValidation": WRONG_REQUEST,
    "ExpiredCode": _GONE,
    "InvalidLambdaResponse": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
    "UnexpectedLambda CodeDeliveryFailure": _SERVER_ERROR,
    "AuthorizationPending": verdict(Category.TRANSIENT, Code.UNAUTHENTICATED, "always", "ignore"),  # ask again
    # -- EC2 and its kin, https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html ---------------
    "InsufficientInstanceCapacity InsufficientHostCapacity InsufficientReservedInstanceCapacity": _NO_CAPACITY,
    "InsufficientCapacity InsufficientCapacityOnHost InsufficientDBInstanceCapacity": _NO_CAPACITY,
    "InsufficientThroughputCapacity": _NO_CAPACITY,  # EFS
    "ClusterContainsCapacityProvider FeatureUnavailableInTier ServiceQuotaTemplateNotInUse": CONFLICT,
    "InsufficientS3BucketPolicy InsufficientSnsTopicPolicy InsufficientCloudWatchLogsResourcePolicy": _WRONG_SETUP,
    "InsufficientDeliveryPolicy InsufficientEncryptionPolicy": _WRONG_SETUP,
    "InsufficientCapabilities": WRONG_REQUEST,  # CloudFormation: say that it may create IAM resources
    "InstanceLimitExceeded VpcLimitExceeded AddressLimitExceeded MaxSpotInstanceCountExceeded": USED_UP,
    "IncorrectInstanceState IncorrectState DependencyViolation ResourceCountExceeded": CONFLICT,
    "DryRunOperation": CONDITION_FAILED,  # all was well, and nothing was done
    "IdempotentParameterMismatch IdempotentInstanceTerminated ClientTokenMismatch": WRONG_REQUEST,
    "VolumeInUse": CONFLICT,
    "TooManyUpdates": BUSY_CHANGING,
    # -- databases, queries and workflows ---------------------------------------------------------------------------
    "DatabaseResuming DatabaseUnavailable CancelledByMaintenance ServerShutdown": _UNAVAILABLE,
    "StatementTimeout QueryTimeout ExecutionTimeout OperationTimeout TimeLimitExceeded": _TIMEOUT,
    "ActiveStatementsExceeded ActiveSessionsExceeded ConcurrentRunsExceeded QueryLimitExceeded": RATE_LIMITED,
    # So many at once, and some of them will end.
    "ExecutionLimitExceeded ActivityWorkerLimitExceeded ActiveWaitingRequestsExceeded": RATE_LIMITED,
    "ConcurrentPipelineExecutionsLimitExceeded TooManyInvalidationsInProgress": RATE_LIMITED,
    "TaskTimedOut": _GONE,  # Step Functions: the task that this was the answer to
    "MemoryLimitExceeded": verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "idempotent"),
    "ExecuteStatement BatchExecuteStatement FailureByQuery": _SERVER_ERROR,
    "Database RejectedRecords": WRONG_REQUEST,
    "InvalidQueryStatement InvalidDeployedStateFilter TooManyRequestedAttributes": WRONG_REQUEST,
    "HttpEndpointNotEnabled InvalidSecret SecretsError InvalidEndpoint": _WRONG_SETUP,
    "ConstraintViolation CancelledByUser NoUpdateAvailable ServiceNotActive": CONFLICT,
    "ConditionCheckFailure VersionMismatch": CONDITION_FAILED,
    "PriorRequestNotComplete": BUSY_CHANGING,  # Route 53
    "OpsMetadataTooManyUpdates FinalizingOrganization": BUSY_CHANGING,
    # -- Bedrock and SageMaker --------------------------------------------------------------------------------------
    "ModelTimeout": _REQUEST_TIMEOUT,
    "ModelNotReady": _UNAVAILABLE,
    "Model ModelStream InternalStreamFailure": _SERVER_ERROR,
    "InternalDependency InternalDependencyFailure DependencyFailure DependencyFailed FailedDependency": _SERVER_ERROR,
    "Dependency ConnectorServer RestApiServer GeneralService NotStabilized": _SERVER_ERROR,
    # -- gateways ---------------------------------------------------------------------------------------------------
    "BadGateway": _BAD_GATEWAY,
    "GatewayTimeout GatewayTimedOut IntegrationTimeout": _GATEWAY_TIMEOUT,
}

_ENDINGS = ("exception", "fault", "error")
_LONGEST = 120


def bare(code: str) -> str:
    """Return the code in lower case, without what protocols put around it: "KMS.DisabledException" is kmsdisabled."""
    text = code[:_LONGEST].rpartition("#")[2].partition(":")[0].strip().lower()
    for mark in "._- ":
        text = text.replace(mark, "")
    while text.endswith(_ENDINGS):
        text = text.removesuffix("exception").removesuffix("fault").removesuffix("error")
    return text


_CODES: dict[str, Classification] = {
    bare(code): meaning.because(f"AWS error code {code}") for codes, meaning in _ROWS.items() for code in codes.split()
}

_Words = tuple[tuple[str, ...], "Classification"]

# What says more than that something is "invalid": EC2's InvalidInstanceID.NotFound, InvalidGroup.InUse.
_TELLING: tuple[_Words, ...] = (
    (("notfound", "nosuch", "nonexist", "notexist"), _NOT_FOUND),
    (("duplicate", "alreadyexist"), _EXISTS),
    (("limitexceeded", "quotaexceeded"), USED_UP),
    (("expired",), _GONE),
    (("credential",), _NOT_LET_IN),
    (("inuse", "state", "status", "transition", "dependency"), CONFLICT),
)
_FAULTY = ("invalid", "illegal", "malformed", "unsupported", "missing", "inconsistent", "unknown", "bad")

_WORDS: tuple[_Words, ...] = (
    (
        ("throttl", "toomanyrequest", "slowdown", "rateexceeded", "ratelimit", "throughput", "requestlimit"),
        RATE_LIMITED,
    ),
    (("concurrentlimit", "concurrencylimit", "toomanyconcurrent", "maxconcurrent"), RATE_LIMITED),
    (("notfound", "nosuch", "nonexist", "notexist", "unknowntopic"), _NOT_FOUND),
    (("duplicate", "alreadyexist"), _EXISTS),
    (("outofsync", "stale", "outdated", "notretryable"), CONFLICT),
    (("toolarge", "toobig", "toolong", "sizeexceeded", "sizelimit", "lengthexceeded"), _TOO_LARGE),
    (("limitexceeded", "quotaexceeded", "permissionlimit"), USED_UP),
    (("capacity",), _NO_CAPACITY),
    (("permission", "privilege", "denied", "unauthorized", "forbidden", "noauthorization", "suspended"), _FORBIDDEN),
    (("notauthorized", "notpermitted", "notaccessible", "authorizationfail", "optinrequired"), _FORBIDDEN),
    (("authfail", "authenticat", "credential", "signature", "accesskey"), _NOT_LET_IN),
    (("expiredtoken", "tokenexpired", "sessionexpired"), _TOKEN_EXPIRED),
    (("quota", "limit", "toomany", "maximum", "exceeded", "insufficient"), USED_UP),
    (("precondition", "conditionalcheck", "conditioncheck", "revision"), CONDITION_FAILED),
    (("concurren", "inprogress", "notcomplete", "retryable", "optimistic", "pending"), BUSY_CHANGING),
    (("contention", "propagation"), BUSY_CHANGING),
    (("unavailable", "notready", "temporar", "offline", "retrylatest"), _UNAVAILABLE),
    (("overload", "busy", "maintenance", "resuming"), _UNAVAILABLE),
    (("timeout", "timedout", "timelimit"), _TIMEOUT),
    (("already", "exists"), _EXISTS),
    (("upstream", "internal", "serverfail", "servicefail", "unexpected", "dependencyfail"), _SERVER_ERROR),
    (("gone", "deleted", "trimmed", "expired"), _GONE),
    (("conflict", "inuse", "state", "transition", "violation", "notempty", "protect"), CONFLICT),
    (("running", "stopping", "redrivable"), CONFLICT),
    (("disabled", "notdisabled", "notactive", "inactive", "notenabled", "incompatible"), CONFLICT),
    (("unprocessable",), _UNPROCESSABLE),
    (("invalid", "malformed", "missing", "validation", "request", "supported", "mismatch"), WRONG_REQUEST),
    (("unrecognized", "illegal", "required", "parameter", "argument", "notallowed"), WRONG_REQUEST),
)


def _spread(rows: tuple[_Words, ...]) -> tuple[tuple[str, Classification], ...]:
    return tuple(
        (word, meaning.because(f"AWS error code with {word!r} in it")) for words, meaning in rows for word in words
    )


_BY_TELLING_WORD, _BY_WORD = _spread(_TELLING), _spread(_WORDS)
_FAULTY_AS_IT_IS = WRONG_REQUEST.because("AWS error code that begins with Invalid or the like")


def by_code(code: str) -> Classification | None:
    """Judge by the code as a whole, or by its last part: "AWS.SimpleQueueService.NonExistentQueue"."""
    return _CODES.get(bare(code)) or (_CODES.get(bare(code.rpartition(".")[2])) if "." in code else None)


def by_words(code: str) -> Classification | None:
    """Judge a code that is not listed by the words it is made of."""
    text = bare(code)
    if text.startswith(_FAULTY):
        return _first(text, _BY_TELLING_WORD) or _FAULTY_AS_IT_IS
    return _first(text, _BY_WORD)


def _first(text: str, rows: tuple[tuple[str, Classification], ...]) -> Classification | None:
    for word, meaning in rows:
        if word in text:
            return meaning
    return None
