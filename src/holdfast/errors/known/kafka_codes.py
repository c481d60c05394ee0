"""Kafka's error codes: those of the protocol (0 and up), and those that librdkafka gives from within (below -1).

The protocol's list says which are retriable (https://kafka.apache.org/protocol#protocol_error_codes); where these
verdicts differ from it, a comment says why. librdkafka's are `rd_kafka_resp_err_t`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_NEVER_SENT = verdict(Category.TRANSIENT, Code.TIMEOUT, "always")
_BROKER_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_BROKER_REFUSED = verdict(Category.EXTERNAL, Code.SERVER_ERROR)  # a matter between brokers, which a retry repeats
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")
_POISON = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "never", "success")
_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_BUSY = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_JOIN_ANEW = verdict(Category.TRANSIENT, Code.CONFLICT, "reconnect", "ignore")
_SESSION_GONE = verdict(Category.TRANSIENT, Code.SESSION_TERMINATED, "reconnect", "ignore")
_ABORT = verdict(Category.TRANSIENT, Code.SERVER_ERROR, "new_transaction")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_NO_LONGER_TRUE = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
_DEAD = verdict(Category.PERMANENT, Code.SESSION_TERMINATED)
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success")
_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_WRONG_HERE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NO_TOPIC = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore")
# It may just have been created, and not yet be known everywhere.
_NO_TOPIC_YET = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "always", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")

_NAMED: dict[tuple[int, str], Classification] = {
    (-1, "UNKNOWN_SERVER_ERROR"): _BROKER_FAILED,
    (0, "NONE"): _MISUSE,  # no error at all, raised as one
    (1, "OFFSET_OUT_OF_RANGE"): _NOT_FOUND,
    (2, "CORRUPT_MESSAGE"): _GARBLED,
    (3, "UNKNOWN_TOPIC_OR_PARTITION"): _NO_TOPIC_YET,
    (4, "INVALID_FETCH_SIZE"): _WRONG_INPUT,
    (5, "LEADER_NOT_AVAILABLE"): _UNAVAILABLE,
    (6, "NOT_LEADER_OR_FOLLOWER"): _UNAVAILABLE,
    (7, "REQUEST_TIMED_OUT"): _TIMEOUT,
    (8, "BROKER_NOT_AVAILABLE"): _UNAVAILABLE,  # "not retriable", for the client should ask another broker
    (9, "REPLICA_NOT_AVAILABLE"): _UNAVAILABLE,
    (10, "MESSAGE_TOO_LARGE"): _TOO_LARGE,
    (11, "STALE_CONTROLLER_EPOCH"): _BROKER_REFUSED,
    (12, "OFFSET_METADATA_TOO_LARGE"): _TOO_LARGE,
    (13, "NETWORK_EXCEPTION"): _CLOSED,
    (14, "COORDINATOR_LOAD_IN_PROGRESS"): _UNAVAILABLE,
    (15, "COORDINATOR_NOT_AVAILABLE"): _UNAVAILABLE,
    (16, "NOT_COORDINATOR"): _UNAVAILABLE,
    (17, "INVALID_TOPIC_EXCEPTION"): _WRONG_INPUT,
    (18, "RECORD_LIST_TOO_LARGE"): _TOO_LARGE,
    (19, "NOT_ENOUGH_REPLICAS"): _UNAVAILABLE,
    (20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND"): verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
    (21, "INVALID_REQUIRED_ACKS"): _BAD_SETUP,
    # The member has lost its place in the group and can have a new one, but only by joining again.
    (22, "ILLEGAL_GENERATION"): _JOIN_ANEW,
    (23, "INCONSISTENT_GROUP_PROTOCOL"): _BAD_SETUP,
    (24, "INVALID_GROUP_ID"): _BAD_SETUP,
    (25, "UNKNOWN_MEMBER_ID"): _JOIN_ANEW,
    (26, "INVALID_SESSION_TIMEOUT"): _BAD_SETUP,
    (27, "REBALANCE_IN_PROGRESS"): _JOIN_ANEW,
    (28, "INVALID_COMMIT_OFFSET_SIZE"): _TOO_LARGE,
    (29, "TOPIC_AUTHORIZATION_FAILED"): _FORBIDDEN,
    (30, "GROUP_AUTHORIZATION_FAILED"): _FORBIDDEN,
    (31, "CLUSTER_AUTHORIZATION_FAILED"): _FORBIDDEN,
    (32, "INVALID_TIMESTAMP"): _WRONG_INPUT,
    (33, "UNSUPPORTED_SASL_MECHANISM"): _BAD_SETUP,
    (34, "ILLEGAL_SASL_STATE"): _BAD_SETUP,
    (35, "UNSUPPORTED_VERSION"): _BAD_SETUP,
    (36, "TOPIC_ALREADY_EXISTS"): _EXISTS,
    (37, "INVALID_PARTITIONS"): _WRONG_INPUT,
    (38, "INVALID_REPLICATION_FACTOR"): _WRONG_INPUT,
    (39, "INVALID_REPLICA_ASSIGNMENT"): _WRONG_INPUT,
    (40, "INVALID_CONFIG"): _BAD_SETUP,
    (41, "NOT_CONTROLLER"): _UNAVAILABLE,
    (42, "INVALID_REQUEST"): _WRONG_REQUEST,
    (43, "UNSUPPORTED_FOR_MESSAGE_FORMAT"): _BAD_SETUP,
    (44, "POLICY_VIOLATION"): _WRONG_INPUT,
    (45, "OUT_OF_ORDER_SEQUENCE_NUMBER"): _IN_THE_WAY,
    (46, "DUPLICATE_SEQUENCE_NUMBER"): _EXISTS,  # the message is there already
    (47, "INVALID_PRODUCER_EPOCH"): _IN_THE_WAY,
    (48, "INVALID_TXN_STATE"): _MISUSE,
    (49, "INVALID_PRODUCER_ID_MAPPING"): _IN_THE_WAY,
    (50, "INVALID_TRANSACTION_TIMEOUT"): _BAD_SETUP,
    (51, "CONCURRENT_TRANSACTIONS"): _BUSY,
    (52, "TRANSACTION_COORDINATOR_FENCED"): _IN_THE_WAY,
    (53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"): _FORBIDDEN,
    (54, "SECURITY_DISABLED"): _BAD_SETUP,
    (55, "OPERATION_NOT_ATTEMPTED"): _NO_LONGER_TRUE,  # another one of the batch failed
    (56, "KAFKA_STORAGE_ERROR"): _BROKER_FAILED,
    (57, "LOG_DIR_NOT_FOUND"): _NOT_FOUND,
    (58, "SASL_AUTHENTICATION_FAILED"): _NOT_LET_IN,
    (59, "UNKNOWN_PRODUCER_ID"): _IN_THE_WAY,
    (60, "REASSIGNMENT_IN_PROGRESS"): _IN_THE_WAY,
    (61, "DELEGATION_TOKEN_AUTH_DISABLED"): _BAD_SETUP,
    (62, "DELEGATION_TOKEN_NOT_FOUND"): _NOT_LET_IN,
    (63, "DELEGATION_TOKEN_OWNER_MISMATCH"): _FORBIDDEN,
    (64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED"): _FORBIDDEN,
    (65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED"): _FORBIDDEN,
    (66, "DELEGATION_TOKEN_EXPIRED"): _EXPIRED,
    (67, "INVALID_PRINCIPAL_TYPE"): _WRONG_INPUT,
    (68, "NON_EMPTY_GROUP"): _IN_THE_WAY,
    (69, "GROUP_ID_NOT_FOUND"): _NOT_FOUND,
    (70, "FETCH_SESSION_ID_NOT_FOUND"): _SESSION_GONE,
    (71, "INVALID_FETCH_SESSION_EPOCH"): _SESSION_GONE,
    (72, "LISTENER_NOT_FOUND"): _UNAVAILABLE,
    (73, "TOPIC_DELETION_DISABLED"): _BAD_SETUP,
    (74, "FENCED_LEADER_EPOCH"): _UNAVAILABLE,
    (75, "UNKNOWN_LEADER_EPOCH"): _UNAVAILABLE,
    (76, "UNSUPPORTED_COMPRESSION_TYPE"): _BAD_SETUP,
    (77, "STALE_BROKER_EPOCH"): _BROKER_REFUSED,
    (78, "OFFSET_NOT_AVAILABLE"): _UNAVAILABLE,
    (79, "MEMBER_ID_REQUIRED"): _JOIN_ANEW,
    (80, "PREFERRED_LEADER_NOT_AVAILABLE"): _UNAVAILABLE,
    (81, "GROUP_MAX_SIZE_REACHED"): verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success"),
    (82, "FENCED_INSTANCE_ID"): _IN_THE_WAY,
    (83, "ELIGIBLE_LEADERS_NOT_AVAILABLE"): _UNAVAILABLE,
    (84, "ELECTION_NOT_NEEDED"): _IN_THE_WAY,  # "retriable", to no effect: the leader is the right one already
    (85, "NO_REASSIGNMENT_IN_PROGRESS"): _NOT_FOUND,
    (86, "GROUP_SUBSCRIBED_TO_TOPIC"): _IN_THE_WAY,
    (87, "INVALID_RECORD"): _WRONG_INPUT,
    (88, "UNSTABLE_OFFSET_COMMIT"): _BUSY,
    (89, "THROTTLING_QUOTA_EXCEEDED"): _RATE_LIMITED,
    (90, "PRODUCER_FENCED"): _IN_THE_WAY,
    (91, "RESOURCE_NOT_FOUND"): _NOT_FOUND,
    (92, "DUPLICATE_RESOURCE"): _WRONG_INPUT,
    (93, "UNACCEPTABLE_CREDENTIAL"): _WRONG_INPUT,
    (94, "INCONSISTENT_VOTER_SET"): _BAD_SETUP,
    (95, "INVALID_UPDATE_VERSION"): _NO_LONGER_TRUE,
    (96, "FEATURE_UPDATE_FAILED"): _BROKER_REFUSED,
    (97, "PRINCIPAL_DESERIALIZATION_FAILURE"): _BROKER_REFUSED,
    (98, "SNAPSHOT_NOT_FOUND"): _NOT_FOUND,
    (99, "POSITION_OUT_OF_RANGE"): _NOT_FOUND,
    (100, "UNKNOWN_TOPIC_ID"): _NO_TOPIC_YET,
    (101, "DUPLICATE_BROKER_REGISTRATION"): _IN_THE_WAY,
    (102, "BROKER_ID_NOT_REGISTERED"): _NOT_FOUND,
    (103, "INCONSISTENT_TOPIC_ID"): _UNAVAILABLE,
    (104, "INCONSISTENT_CLUSTER_ID"): _BAD_SETUP,
    (105, "TRANSACTIONAL_ID_NOT_FOUND"): _NOT_FOUND,
    (106, "FETCH_SESSION_TOPIC_ID_ERROR"): _SESSION_GONE,
    (107, "INELIGIBLE_REPLICA"): _BROKER_REFUSED,
    (108, "NEW_LEADER_ELECTED"): _BROKER_REFUSED,
    (109, "OFFSET_MOVED_TO_TIERED_STORAGE"): _BROKER_REFUSED,
    (110, "FENCED_MEMBER_EPOCH"): _JOIN_ANEW,
    (111, "UNRELEASED_INSTANCE_ID"): _IN_THE_WAY,
    (112, "UNSUPPORTED_ASSIGNOR"): _BAD_SETUP,
    (113, "STALE_MEMBER_EPOCH"): _JOIN_ANEW,
    (114, "MISMATCHED_ENDPOINT_TYPE"): _BAD_SETUP,
    (115, "UNSUPPORTED_ENDPOINT_TYPE"): _BAD_SETUP,
    (116, "UNKNOWN_CONTROLLER_ID"): _NOT_FOUND,
    (117, "UNKNOWN_SUBSCRIPTION_ID"): _NOT_FOUND,
    (118, "TELEMETRY_TOO_LARGE"): _TOO_LARGE,
    (119, "INVALID_REGISTRATION"): _BAD_SETUP,
    (120, "TRANSACTION_ABORTABLE"): _ABORT,
    (121, "INVALID_RECORD_STATE"): _IN_THE_WAY,
    (122, "SHARE_SESSION_NOT_FOUND"): _SESSION_GONE,
    (123, "INVALID_SHARE_SESSION_EPOCH"): _SESSION_GONE,
    (124, "FENCED_STATE_EPOCH"): _IN_THE_WAY,
    (125, "INVALID_VOTER_KEY"): _WRONG_INPUT,
    (126, "DUPLICATE_VOTER"): _EXISTS,
    (127, "VOTER_NOT_FOUND"): _NOT_FOUND,
    (128, "INVALID_REGULAR_EXPRESSION"): _WRONG_INPUT,
    (129, "REBOOTSTRAP_REQUIRED"): _SESSION_GONE,
    (130, "STREAMS_INVALID_TOPOLOGY"): _BAD_SETUP,
    (131, "STREAMS_INVALID_TOPOLOGY_EPOCH"): _IN_THE_WAY,
    (132, "STREAMS_TOPOLOGY_FENCED"): _IN_THE_WAY,
    (133, "SHARE_SESSION_LIMIT_REACHED"): verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "always"),
    # -- librdkafka's own: the connection -----------------------------------------------------------------
    (-195, "_TRANSPORT"): _NOT_CONNECTED,
    (-196, "_FAIL"): _CLOSED,
    (-187, "_ALL_BROKERS_DOWN"): _UNAVAILABLE,
    (-193, "_RESOLVE"): verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always"),
    (-181, "_SSL"): verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore"),
    (-169, "_AUTHENTICATION"): _NOT_LET_IN,
    (-146, "_UNKNOWN_BROKER"): _UNAVAILABLE,
    (-137, "_DESTROY_BROKER"): _CLOSED,
    (-182, "_NODE_UPDATE"): _UNAVAILABLE,
    (-183, "_ISR_INSUFF"): _UNAVAILABLE,
    # -- time ---------------------------------------------------------------------------------------------
    (-192, "_MSG_TIMED_OUT"): _TIMEOUT,
    (-185, "_TIMED_OUT"): _TIMEOUT,
    (-166, "_TIMED_OUT_QUEUE"): _NEVER_SENT,
    (-180, "_WAIT_COORD"): _UNAVAILABLE,
    (-164, "_WAIT_CACHE"): _UNAVAILABLE,
    (-153, "_RETRY"): _UNAVAILABLE,
    (-178, "_IN_PROGRESS"): _BUSY,
    (-177, "_PREV_IN_PROGRESS"): _BUSY,
    (-163, "_INTR"): verdict(Category.TRANSIENT, Code.PROCESS_FAILED, "idempotent", "ignore"),
    (-191, "_PARTITION_EOF"): verdict(Category.TRANSIENT, Code.TIMEOUT, "always", "ignore"),  # nothing more for now
    # -- room ---------------------------------------------------------------------------------------------
    (-184, "_QUEUE_FULL"): _FULL,
    (-194, "_CRIT_SYS_RESOURCE"): verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "ignore"),
    (-189, "_FS"): verdict(Category.CONFIGURATION, Code.FORBIDDEN, "never", "ignore"),
    # -- what is not there --------------------------------------------------------------------------------
    (-188, "_UNKNOWN_TOPIC"): _NO_TOPIC,
    (-190, "_UNKNOWN_PARTITION"): _NO_TOPIC,
    (-179, "_UNKNOWN_GROUP"): _NO_TOPIC,
    (-168, "_NO_OFFSET"): verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "ignore"),
    (-156, "_NOENT"): verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "ignore"),
    (-140, "_AUTO_OFFSET_RESET"): _NOT_FOUND,
    (-139, "_LOG_TRUNCATION"): _NOT_FOUND,
    # -- the group ----------------------------------------------------------------------------------------
    (-175, "_ASSIGN_PARTITIONS"): _JOIN_ANEW,
    (-174, "_REVOKE_PARTITIONS"): _JOIN_ANEW,
    (-142, "_ASSIGNMENT_LOST"): _JOIN_ANEW,
    (-147, "_MAX_POLL_EXCEEDED"): _JOIN_ANEW,
    (-144, "_FENCED"): _IN_THE_WAY,
    # -- data ---------------------------------------------------------------------------------------------
    (-199, "_BAD_MSG"): _GARBLED,
    (-198, "_BAD_COMPRESSION"): _GARBLED,
    (-158, "_PARTIAL"): _GARBLED,
    (-155, "_UNDERFLOW"): _GARBLED,
    (-162, "_KEY_SERIALIZATION"): _WRONG_HERE,
    (-161, "_VALUE_SERIALIZATION"): _WRONG_HERE,
    (-160, "_KEY_DESERIALIZATION"): _POISON,
    (-159, "_VALUE_DESERIALIZATION"): _POISON,
    (-138, "_INVALID_DIFFERENT_RECORD"): _UNAVAILABLE,  # another record of the batch was wrong; this one was not kept
    # -- use and set-up -----------------------------------------------------------------------------------
    (-186, "_INVALID_ARG"): _BAD_SETUP,  # "argument or configuration": mostly the latter
    (-154, "_INVALID_TYPE"): _WRONG_HERE,
    (-171, "_UNKNOWN_PROTOCOL"): _BAD_SETUP,
    (-170, "_NOT_IMPLEMENTED"): _BAD_SETUP,
    (-165, "_UNSUPPORTED_FEATURE"): _BAD_SETUP,
    (-145, "_NOT_CONFIGURED"): _BAD_SETUP,
    (-176, "_EXISTING_SUBSCRIPTION"): _MISUSE,
    (-173, "_CONFLICT"): _MISUSE,
    (-172, "_STATE"): _MISUSE,
    (-157, "_READ_ONLY"): _MISUSE,
    (-149, "_INCONSISTENT"): _MISUSE,
    (-143, "_APPLICATION"): _MISUSE,
    (-141, "_NOOP"): _MISUSE,
    (-167, "_OUTDATED"): _IN_THE_WAY,
    # -- the end ------------------------------------------------------------------------------------------
    (-197, "_DESTROY"): _MISUSE,  # used after it was closed
    (-152, "_PURGE_QUEUE"): _CANCELLED,
    (-151, "_PURGE_INFLIGHT"): _CANCELLED,
    (-150, "_FATAL"): _DEAD,
    (-148, "_GAPLESS_GUARANTEE"): _DEAD,
}
KAFKA_CODES: dict[int, Classification] = {
    number: meaning.because(f"Kafka error {name}") for (number, name), meaning in _NAMED.items()
}
"""The verdict on each code, with its name as reason."""
