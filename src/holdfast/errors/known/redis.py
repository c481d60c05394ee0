"""redis-py and valkey-py: what the classes mean, and the messages of those that stand for many things.

The same short names as Python's own are other classes here: `TimeoutError` is not the builtin one, and
`AuthenticationError` and `MaxConnectionsError` are a `ConnectionError`. What the socket said is left in `__context__`
only, and whatever the application was handling may be there too; so a message that says enough decides at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_connecting
from .phrases import by_phrase, first_words, phrases
from .redis_replies import (
    BAD_COMMAND,
    ELSEWHERE,
    FORBIDDEN,
    NOT_LOADED,
    OUT_OF_MEMORY,
    TOO_MANY_CLIENTS,
    UNAUTHENTICATED,
    UNAVAILABLE,
    WRONG_SETUP,
    by_discarded,
    by_reply,
)

if TYPE_CHECKING:
    from ..recognition import Rule

_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_POOL_EMPTY = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_BAD_SETTING = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_MODULE_MISSING = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect")
_LOCK_LOST = verdict(Category.PERMANENT, Code.CONFLICT, "never", "ignore")
_LOCK_TAKEN = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_NO_TOKEN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "ignore")
_CONFLICT = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")

# -- connections ----------------------------------------------------------------------------------------------

_CONNECTION_MESSAGES = phrases(
    {
        ("max number of clients",): TOO_MANY_CLIENTS,
        ("too many connections", "no connection available"): _POOL_EMPTY,  # all versions but the newest
        # found before anything was sent
        ("connection has data", "connection not ready"): verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "always"),
        ("previous master is now a slave", "readonly command failed"): ELSEWHERE,
        ("ping health check", "invalid resp version"): _NONSENSE,
        ("invalid database", "setting client name", "protocol must be", "client-side caching"): _BAD_SETTING,
        ("server version",): _BAD_SETTING,
        ("ocsp", "certificate"): _BAD_CERTIFICATE,
        ("connection closed by server", "socket closed on remote end", "buffer is closed"): _CLOSED,
    }
)
_NOT_CONNECTED = Otherwise(
    verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always", reason="connection could not be made"), unsent=True
)
_CONNECTION_BROKE = Otherwise(
    verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="connection broke")
)


def _by_connection_message(error: Any) -> Answer:
    words = first_words(error)
    known = by_phrase(words, _CONNECTION_MESSAGES)
    if known is not None:
        return known
    if "connecting to" in words:
        return spoken_of_connecting(words) or _NOT_CONNECTED
    return spoken_of(words) or _CONNECTION_BROKE


_CONNECT_TIMED_OUT = verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always", reason="connecting timed out")
_READ_TIMED_OUT = verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent", reason="reading timed out")
_TIMED_OUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent", reason="the server took too long")


def _by_timeout_message(error: Any) -> Answer:
    words = first_words(error)
    if "connecting" in words:
        return _CONNECT_TIMED_OUT
    return _READ_TIMED_OUT if "reading" in words else _TIMED_OUT


# -- clusters, locks, and the bases of it all -------------------------------------------------------------------

_CLUSTER_MESSAGES = phrases(
    {
        ("slots are not covered", "not covered by the cluster", "could not agree on a valid slots cache"): UNAVAILABLE,
        ("cluster mode is not enabled",): WRONG_SETUP,
        ("in cluster mode", "requires at least one node"): _BAD_SETTING,
        ("same key slot", "same slot", "different slots"): _BAD_VALUE,
    }
)
_CLUSTER_MISUSE = Otherwise(_MISUSE.because("command that a cluster client does not offer"))


def _by_cluster_message(error: Any) -> Answer:
    words = first_words(error)
    if "cannot be connected" in words:
        # The last node's error is the cause; in between, any node may have said anything.
        return spoken_of_connecting(words) or _NOT_CONNECTED
    return by_phrase(words, _CLUSTER_MESSAGES) or _CLUSTER_MISUSE


_LOCK_MESSAGES = phrases(
    {
        ("no longer owned", "not owned"): _LOCK_LOST,
        ("unlocked lock", "lock with no timeout"): _MISUSE,
    }
)
_NO_LOCK = _LOCK_TAKEN.because("lock not acquired in time")


def _by_lock_message(error: Any) -> Answer:
    return by_phrase(first_words(error), _LOCK_MESSAGES) or _NO_LOCK


_BASE_MESSAGES = phrases(
    {
        ("is not installed", "is not available", "wasn't built with ssl"): _MODULE_MISSING,
        ("only supported with", "not supported", "must be provided", "requirements flag"): _BAD_SETTING,
        ("cannot issue", "without an initial watch", "doesn't exist in redis commands"): _MISUSE,
    }
)
_SOMETHING_FAILED = Otherwise(verdict(Category.EXTERNAL, Code.SERVER_ERROR, reason="the client gives no more detail"))


def _by_base_message(error: Any) -> Answer:
    return by_phrase(first_words(error), _BASE_MESSAGES) or _SOMETHING_FAILED


def _by_rest_status(error: Any) -> Answer:
    """Judge an answer of Redis Enterprise's REST interface."""
    status = as_status(read(error, "status"))
    return None if status is None else STATUSES[status]


_ROWS: dict[str, Rule] = {
    "RedisError ValkeyError": _by_base_message,
    # connections
    "ConnectionError": _by_connection_message,
    "TimeoutError": _by_timeout_message,
    "MaxConnectionsError": _POOL_EMPTY,
    "BusyLoadingError": UNAVAILABLE,
    "AuthenticationError AuthenticationWrongNumberOfArgsError": UNAUTHENTICATED,
    "AuthorizationError NoPermissionError": FORBIDDEN,
    "ExternalAuthProviderError": UNAVAILABLE,  # the directory behind the server, not the password
    "MasterNotFoundError SlaveNotFoundError": UNAVAILABLE,  # Sentinel knows of none at present
    "InvalidResponse": _NONSENSE,
    # replies
    "ResponseError": by_reply,
    "ReadOnlyError": ELSEWHERE,
    "NoScriptError NoSuchFieldsetError": NOT_LOADED,
    "OutOfMemoryError": OUT_OF_MEMORY,
    "ExecAbortError": by_discarded,
    "ModuleError": WRONG_SETUP,
    # clusters
    "ClusterDownError MasterDownError TryAgainError SlotNotCoveredError": UNAVAILABLE,
    "AskError MovedError": ELSEWHERE,
    "ClusterCrossSlotError": BAD_COMMAND,
    "CrossSlotTransactionError": _BAD_VALUE,
    # each of many attempts was redirected or failed
    "ClusterError": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
    "RedisClusterException ValkeyClusterException": _by_cluster_message,
    "InvalidPipelineStack": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent"),
    # transactions and locks
    "WatchError": _CONFLICT,
    "LockError": _by_lock_message,
    "LockNotOwnedError": _LOCK_LOST,
    # our own side
    "DataError": _BAD_VALUE,
    "PubSubError ChildDeadlockedError IncorrectPolicyType": _MISUSE,
    "EventException": Otherwise(_MISUSE),  # a listener of the client's own failed
    "RequestTokenErr TokenRenewalErr": Otherwise(_NO_TOKEN),
    "InvalidTokenSchemaErr": _NO_TOKEN,
    "VersionMismatchException": WRONG_SETUP,
    # several databases behind one client
    "NoValidDatabaseException TemporaryUnavailableException InitialHealthCheckFailedError": UNAVAILABLE,
    "UnhealthyDatabaseException": Otherwise(UNAVAILABLE),
    "HttpError": _by_rest_status,
}

REDIS: Table = table(
    {
        " ".join(f"{package}:{name}" for package in ("redis", "valkey") for name in names.split()): rule
        for names, rule in _ROWS.items()
    }
)
