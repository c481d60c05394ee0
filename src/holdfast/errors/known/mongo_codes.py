"""MongoDB's error numbers, as its server lists them in `error_codes.yml`, with the names they have there.

Obsolete numbers are kept, for old servers send them. What only servers say to each other, and administration that no
application does, is left to the two rules for the rest: small numbers are failures of the server, and those from
10,000 on mark places in its source where a request was found to be wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

NOT_PRIMARY = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "reconnect")
BACK_SOON = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
LOST = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
TOO_LATE = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
OVERLOADED = verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always")
RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
CONFLICT = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")
UNAUTHENTICATED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
DUPLICATE = verdict(Category.PERMANENT, Code.UNIQUE_VIOLATION, "never", "success")
EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
SPACE_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
SERVER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_BUSY = verdict(Category.TRANSIENT, Code.CONFLICT, "always", "ignore")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_BAD_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")

_ROWS: tuple[tuple[Classification, str], ...] = (
    # -- the moment ---------------------------------------------------------------------------------------------
    (  # the node is not, or no longer, the one to ask
        NOT_PRIMARY,
        """91 ShutdownInProgress  189 PrimarySteppedDown  281 TransactionCoordinatorSteppingDown
        303 SplitHorizonChange  333 ServiceExecutorInShutdown  372 CloseConnectionForShutdownCommand
        10058 LegacyNotPrimary  10107 NotWritablePrimary  11600 InterruptedAtShutdown
        11602 InterruptedDueToReplStateChange  13435 NotPrimaryNoSecondaryOk  13436 NotPrimaryOrSecondary""",
    ),
    (  # nobody is there to ask, or the routing is being renewed; nothing was executed
        BACK_SOON,
        """63 StaleShardVersion  71 ReplicaSetNotFound  74 NodeNotFound  92 SecondaryAheadOfPrimary
        94 NotYetInitialized  95 NotSecondary  109 ConfigurationInProgress  133 FailedToSatisfyReadPreference
        134 ReadConcernMajorityNotAvailableYet  149 NoConfigPrimary  150 StaleEpoch  164 InitialSyncActive
        199 ReplicaSetMonitorRemoved  203 ShardingStateNotInitialized  209 StaleClusterTime  216 ElectionInProgress
        228 SessionTransferIncomplete  249 StaleDbVersion  308 CurrentConfigNotCommittedYet
        343 ShardCannotRefreshDueToLocksHeld  358 InternalTransactionNotSupported  365 TemporarilyUnavailable
        371 UserWritesBlocked  406 MigrationBlockingOperationCoordinatorCleaningUp
        407 PooledConnectionAcquisitionExceededTimeLimit  412 UpdatesStillPending
        453 InterruptedDueToReshardingCriticalSection  9996 RecvStaleConfig  13388 StaleConfig
        56846 ConfigServerUnreachable  10045600 InterruptedDueToFCVChange""",
    ),
    (  # between the router and a shard, where it may have been executed
        LOST,
        """6 HostUnreachable  7 HostNotFound  83 RemoteResultsUnavailable  145 PooledConnectionsDropped
        172 TransportSessionClosed  190 MasterSlaveConnectionFailure  279 ClientDisconnect  317 ConnectionPoolExpired
        384 ConnectionError  398 StreamTerminated  9001 SocketException  91331 RetriableRemoteCommandFailure""",
    ),
    (
        TOO_LATE,
        """50 MaxTimeMSExpired  64 WriteConcernTimeout  89 NetworkTimeout  122 ReadAfterOptimeTimeout
        202 NetworkInterfaceExceededTimeLimit  262 ExceededTimeLimit  342 ReshardingCriticalSectionTimeout""",
    ),
    (  # stopped by an administrator, or by a change underneath
        verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
        """90 CallbackCanceled  136 CappedPositionLost  175 QueryPlanKilled  187 LinearizableReadConcernError
        194 BalancerInterrupted  221 IndexModified  234 RetryChangeStream  276 IndexBuildAborted
        341 ReshardCollectionAborted  348 ChangeStreamTopologyChange  355 InterruptedDueToStorageChange
        442 RetryMultiPlanning  11601 Interrupted  46841 ClientMarkedKilled""",
    ),
    (OVERLOADED, "402 ResourceExhausted  433 AdmissionQueueOverflow  450 PooledConnectionAcquisitionRejected"),
    (  # 16500 is what Azure Cosmos DB sends for HTTP's 429
        RATE_LIMITED,
        "449 RateLimitExceeded  462 IngressRequestRateLimitExceeded  16500 RequestRateTooLarge",
    ),
    # -- transactions, locks, other operations ------------------------------------------------------------------
    (
        CONFLICT,
        """112 WriteConflict  225 TransactionTooOld  239 SnapshotTooOld  244 TransactionAborted
        246 SnapshotUnavailable  250 StaleChunkHistory  251 NoSuchTransaction  267 PreparedTransactionInProgress
        272 MigrationConflict  282 TransactionCoordinatorReachedAbortDecision
        290 TransactionExceededLifetimeLimitSeconds  356 TxnRetryCounterTooOld  363 RetryableTransactionInProgress
        369 FLETransactionAbort  374 TransactionAPIMustRetryTransaction  413 TransactionParticipantFailedUnyield""",
    ),
    (
        verdict(Category.TRANSIENT, Code.LOCK_TIMEOUT, "new_transaction"),
        "24 LockTimeout  46 LockBusy  107 LockFailed  208 TooManyLocks",
    ),
    (  # another operation is under way and has to end first
        _BUSY,
        """117 ConflictingOperationInProgress  143 CursorInUse  200 ChunkRangeCleanupPending
        215 DatabaseDropPending  285 IndexBuildAlreadyInProgress  314 ObjectIsBusy  319 MovePrimaryInProgress
        338 ReshardCollectionInProgress  385 ConflictingServerlessOperation  414 AddOrRemoveShardInProgress
        12586 BackgroundOperationInProgressForDatabase  12587 BackgroundOperationInProgressForNamespace
        50915 BackupCursorOpenConflictWithCheckpoint  1003141 RemoveShardDrainingInProgress""",
    ),
    # -- credentials --------------------------------------------------------------------------------------------
    (UNAUTHENTICATED, "18 AuthenticationFailed  337 AuthenticationAbandoned  390 InvalidSignature  392 InvalidJWT"),
    (verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"), "391 ReauthenticationRequired"),
    (FORBIDDEN, "13 Unauthorized  214 AuthenticationRestrictionUnmet"),
    # -- what is as it is ---------------------------------------------------------------------------------------
    (DUPLICATE, "3 DuplicateKey  84 DuplicateKeyValue  386 DuplicateKeyId  11000 DuplicateKey  11001 DuplicateKey"),
    (DUPLICATE, "12582 DuplicateKeyOnUpsert"),
    (
        EXISTS,
        """23 AlreadyInitialized  48 NamespaceExists  68 IndexAlreadyExists  213 DuplicateSession
        416 StreamProcessorAlreadyExists  447 ObjectAlreadyExists  51002 RoleAlreadyExists  51003 UserAlreadyExists""",
    ),
    (
        NOT_FOUND,
        """4 NoSuchKey  11 UserNotFound  26 NamespaceNotFound  27 IndexNotFound  31 RoleNotFound
        33 PrivilegeNotFound  47 NoMatchingDocument  59 CommandNotFound  60 DatabaseNotFound  61 ShardKeyNotFound
        70 ShardNotFound  118 NamespaceNotSharded  128 LockNotFound  173 TransportSessionNotFound
        177 ZoneNotFound  211 KeyNotFound  339 NoSuchReshardCollection  415 StreamProcessorDoesNotExist
        13113 MergeStageNoMatchingDocument""",
    ),
    (  # a cursor, a session or a position in the log that is over: to be opened anew, not asked again
        GONE,
        """43 CursorNotFound  120 OplogStartMissing  206 NoSuchSession  237 CursorKilled  280 ChangeStreamFatalError
        286 ChangeStreamHistoryLost  326 OplogQueryMinTsMissing  346 ChangeStreamInvalidated""",
    ),
    (
        verdict(Category.PERMANENT, Code.CONFLICT, "never", "success"),
        """85 IndexOptionsConflict  86 IndexKeySpecsConflict  178 RangeOverlapConflict
        217 IncompleteTransactionHistory  256 TransactionCommitted  340 ReshardCollectionCommitted
        359 CannotConvertIndexToUnique  361 CollectionUUIDMismatch  13297 DatabaseDifferCase""",
    ),
    # -- used up ------------------------------------------------------------------------------------------------
    (verdict(Category.RESOURCE, Code.DISK_FULL, "never", "ignore"), "14031 OutOfDiskSpace"),
    (
        verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "always", "ignore"),
        "261 TooManyLogicalSessions  264 TooManyFilesOpen",
    ),
    (  # by this query alone
        verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "success"),
        "146 ExceededMemoryLimit  292 QueryExceededMemoryLimitNoDiskUseAllowed  418 StreamProcessorWorkerOutOfMemory",
    ),
    # -- the deployment -----------------------------------------------------------------------------------------
    (
        _WRONG_SETUP,
        """69 AuthSchemaIncompatible  76 NoReplicationEnabled  79 UnknownReplWriteConcern
        93 InvalidReplicaSetConfig  100 UnsatisfiableWriteConcern  101 OutdatedClient
        103 NewReplicaSetConfigurationIncompatible  105 IncompatibleShardingMetadata
        108 InconsistentReplicaSetNames  115 CommandNotSupported  123 NotAReplicaSet
        126 RPCProtocolNegotiationFailed  137 IncompatibleShardingConfigVersion  148 ReadConcernMajorityNotEnabled
        158 MustUpgrade  188 IncompatibleServerVersion  193 NoShardingEnabled  224 QueryFeatureNotAllowed
        229 MustDowngrade  238 NotImplemented  243 IncompatibleWithUpgradedServer
        258 UnknownFeatureCompatibilityVersion  278 UnsatisfiableCommitQuorum  322 APIVersionError
        323 APIStrictError  324 APIDeprecationError  334 MechanismUnavailable  344 AuditingNotEnabled
        345 RuntimeAuditConfigurationNotEnabled  347 APIMismatchError  352 UnsupportedOpQueryCommand
        354 LoadBalancerSupportMismatch  376 ChangeStreamNotEnabled  31082 SearchNotEnabled
        57986 RetryableInternalTransactionNotSupported""",
    ),
    (
        verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
        """140 InvalidSSLConfiguration  141 SSLHandshakeFailed  299 OCSPCertificateStatusRevoked
        302 OCSPCertificateStatusUnknown""",
    ),
    # -- the request --------------------------------------------------------------------------------------------
    (
        TOO_LARGE,
        """116 DocTooLargeForCapped  153 ChunkTooBig  257 TransactionTooLarge  388 TransactionTooLargeForCache
        396 IndexInformationTooLarge  10003 CannotGrowDocumentInCappedNamespace  10334 BSONObjectTooLarge
        17280 KeyTooLong""",
    ),
    (verdict(Category.VALIDATION, Code.UNPROCESSABLE, "never", "success"), "121 DocumentValidationFailure"),
    (
        _BAD_REQUEST,
        """2 BadValue  5 GraphContainsCycle  9 FailedToParse  10 CannotMutateObject  12 UnsupportedFormat
        14 TypeMismatch  15 Overflow  16 InvalidLength  19 CannotReuseObject  20 IllegalOperation
        21 EmptyArrayOperation  22 InvalidBSON  28 PathNotViable  29 NonExistentPath  30 InvalidPath
        32 RolesNotRelated  34 CannotBackfillArray  35 UserModificationFailed  40 ConflictingUpdateOperators
        49 InvalidRoleModification  52 DollarPrefixedFieldName  53 InvalidIdField  54 NotSingleValueField
        55 InvalidDBRef  56 EmptyFieldName  57 DottedFieldName  58 RoleModificationFailed  66 ImmutableField
        67 CannotCreateIndex  72 InvalidOptions  73 InvalidNamespace  81 NoMatchParseContext  87 CannotSplit
        97 NoProjectionFound  111 NotExactValueField  130 SymbolNotFound  139 JSInterpreterFailure
        142 JSUncatchableError  151 OperationCannotBeBatched  159 DurationOverflow  160 MaxStalenessOutOfRange
        161 IncompatibleCollationVersion  165 ViewDepthLimitExceeded  166 CommandNotSupportedOnView
        167 OptionNotSupportedOnView  168 InvalidPipelineOperator  170 TooManyMatchingDocuments
        171 CannotIndexParallelArrays  181 AmbiguousIndexKeyPattern  182 InvalidViewDefinition
        183 ClientMetadataMissingField  184 ClientMetadataAppNameTooLarge  185 ClientMetadataDocumentTooLarge
        186 ClientMetadataCannotBeMutated  195 ViewPipelineMaxSizeExceeded  197 InvalidIndexSpecificationOption
        201 CannotBuildIndexKeys  207 InvalidUUID  218 UpdateOperationFailed  226 AtomicityFailure
        227 CannotImplicitlyCreateCollection  232 MaxSubPipelineDepthExceeded  241 ConversionFailure
        242 CannotCreateCollection  260 InvalidResumeToken  263 OperationNotSupportedInTransaction
        271 JSInterpreterFailureWithStack  349 KeyPatternShorterThanBound  351 ChangeStreamStartAfterInvalidate
        357 InvalidBSONType  370 CannotDropShardKeyIndex  377 FLEMaxTagLimitExceeded  378 NonConformantBSON
        393 InvalidTenantId  408 CannotInsertTimeseriesBucketsWithMixedSchema  411 QueryRejectedBySettings""",
    ),
    # -- the server ---------------------------------------------------------------------------------------------
    (
        verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"),
        """1 InternalError  8 UnknownError  77 OperationIncomplete  82 NoProgressMade  96 OperationFailed
        125 CommandFailed  404 LDAPRoleAcquisitionError""",
    ),
    (
        SERVER_FAILED,
        """17 ProtocolError  25 RemoteValidationError  37 FileRenameFailed  38 FileNotOpen  39 FileStreamFailed
        42 LogWriteFailed  45 UserDataInconsistent  78 CommandResultSchemaViolation  80 RoleDataInconsistent
        176 FileOpenFailed  288 ChecksumMismatch  301 DataCorruptionDetected""",
    ),
)


def _numbered() -> dict[int, Classification]:
    found: dict[int, Classification] = {}
    for meaning, text in _ROWS:
        words = text.split()
        for number, name in zip(words[::2], words[1::2], strict=True):
            found[int(number)] = meaning.because(f"MongoDB error {number} {name}")
    return found


MONGO_NUMBERS: dict[int, Classification] = _numbered()

_OTHER_FAILURE = SERVER_FAILED.because("MongoDB error number of no special meaning")
_REFUSED_SOMEWHERE = _BAD_REQUEST.because("MongoDB error number of a place in the server's source")


def by_mongo_number(number: int) -> Classification:
    """Judge by the server's error number."""
    known = MONGO_NUMBERS.get(number)
    if known is None:
        known = _REFUSED_SOMEWHERE if number >= 10_000 else _OTHER_FAILURE
    return known
