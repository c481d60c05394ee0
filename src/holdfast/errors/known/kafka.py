"""Kafka: confluent-kafka, aiokafka and kafka-python; their classes, and whose error codes they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of
from .kafka_codes import KAFKA_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification

_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_OUT_OF_STEP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect")
_FENCED = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_JOIN_ANEW = verdict(Category.TRANSIENT, Code.CONFLICT, "reconnect", "ignore")
_NO_OFFSET = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "ignore")

_RETRIABLE = verdict(
    Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent", reason="Kafka error that its client calls retriable"
)
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR, reason="Kafka error that no retry mends")
_CLIENT_IS_DEAD = verdict(Category.PERMANENT, Code.SESSION_TERMINATED, reason="fatal to the Kafka client")
_NO_SUCH_HOST = verdict(
    Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore", reason="host name that Kafka cannot resolve"
)
_CANNOT_RESOLVE = -193
# The message was not what its (de)serialiser takes, unless what caused it says that the schema registry failed.
_WRONG_DATA = (-159, -160, -161, -162)
_NO_USE_IN_ANOTHER_TRANSACTION = frozenset({Category.AUTH, Category.CONFIGURATION, Category.VALIDATION})


# -- confluent-kafka ------------------------------------------------------------------------------------------


def _by_confluent_error(error: Any) -> Answer:
    """Judge a `KafkaException`: its first argument is librdkafka's error, which is no exception itself."""
    told = error.args[0] if error.args else None
    number = _asked(told, "code")
    if not is_whole(number):
        return Otherwise(_OTHER)
    found = KAFKA_CODES.get(number)
    if found is None:
        found = _RETRIABLE if _asked(told, "retriable") is True else _OTHER
    elif number == _CANNOT_RESOLVE and _names_no_host(error):
        found = _NO_SUCH_HOST
    elif number in _WRONG_DATA:
        return Otherwise(found)
    if _asked(told, "fatal") is True:
        return _dead(found)
    if _asked(told, "txn_requires_abort") is True and found.category not in _NO_USE_IN_ANOTHER_TRANSACTION:
        return found.replace(
            category=Category.TRANSIENT,
            retryable=True,
            retry_scope="new_transaction",
            reason=f"{found.reason}, and the transaction has to be aborted",
        )
    return found


def _asked(told: Any, name: str) -> Any:
    """Return what a method without arguments of librdkafka's error answers; None if there is none."""
    method: Callable[[], Any] | None = read(told, name)
    return method() if callable(method) else None


def _names_no_host(error: Any) -> bool:
    words = text_of(error, 300)
    return "not known" in words or "no such host" in words or "nodename nor servname" in words


def _dead(found: Classification) -> Classification:
    """A fatal error outlasts every call on this client, whatever it was; a new one has to be made."""
    return _CLIENT_IS_DEAD if found.retryable else found.replace(reason=f"{found.reason}, fatal to the Kafka client")


_NOT_SERIALISED = Otherwise(_BAD_VALUE)
_REGISTRY_FAILED = Otherwise(verdict(Category.EXTERNAL, Code.SERVER_ERROR, reason="error of the schema registry"))


def _by_serialisation(error: Any) -> Answer:
    """Judge an error of a (de)serialiser, which is one of librdkafka's too only if a client raised it."""
    return _by_confluent_error(error) if _asked(error.args[0] if error.args else None, "code") else _NOT_SERIALISED


def _by_registry_code(error: Any) -> Answer:
    """Judge a reply of the schema registry: an HTTP status, or its own code, which begins with one."""
    for name in ("http_status_code", "error_code", "status_code", "http_code"):
        number = read(error, name)
        if is_whole(number) and number >= 10_000:
            number //= 100
        status = as_status(number)
        if status is not None:
            return STATUSES[status]
    return _REGISTRY_FAILED


def _by_token_endpoint(error: Any) -> Answer:
    """Judge a refused token: a 400 or 401 is about the credentials, anything else about the endpoint."""
    status = as_status(read(error, "status_code"))
    return Otherwise(_NOT_LET_IN) if status is None or status == 400 else STATUSES[status]


_CONFLUENT: Table = table(
    {
        "confluent_kafka:SerializationError": _by_serialisation,
        "confluent_kafka:SerializerError": _NOT_SERIALISED,
        "confluent_kafka:SchemaRegistryError confluent_kafka:ClientError": _by_registry_code,
        "confluent_kafka:OAuthTokenError": _by_token_endpoint,
        "confluent_kafka:RuleConditionError confluent_kafka:RuleError": _NOT_SERIALISED,
        "confluent_kafka:CompilationError": _BAD_SETUP,
        "cimpl:IllegalStateException cimpl:ConcurrentModificationException": _MISUSE,
        "confluent_kafka:IllegalStateException confluent_kafka:ConcurrentModificationException": _MISUSE,
        # kombu's transport says it without a number
        "kombu:NoBrokersAvailable": _UNAVAILABLE,
        "cimpl:KafkaException confluent_kafka:KafkaException": _by_confluent_error,
    }
)


# -- aiokafka, kafka-python -----------------------------------------------------------------------------------


def _by_kafka_code(error: Any) -> Answer:
    """Judge a broker's reply by the number of its class (`errno`, which is no errno); a client's error by its flag."""
    number = read(error, "errno")
    found = KAFKA_CODES.get(number) if is_whole(number) else None
    if found is not None:
        return found
    return Otherwise(_RETRIABLE if read(error, "retriable") is True else _OTHER)


def _both(*names: str) -> str:
    return " ".join(f"{package}:{name}" for name in names for package in ("aiokafka", "kafka"))


_PYTHON: Table = table(
    {
        _both("KafkaConnectionError"): Otherwise(_NOT_CONNECTED),
        _both("NodeNotReadyError"): _NOT_CONNECTED,
        _both("NoBrokersAvailable", "KafkaUnavailableError", "MetadataEmptyBrokerList"): Otherwise(_UNAVAILABLE),
        _both("StaleMetadata", "UnknownBrokerIdError"): _UNAVAILABLE,
        _both("KafkaTimeoutError"): verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent"),
        # Not by the caller: the connection went away with requests on it.
        _both("Cancelled"): _CLOSED,
        _both("KafkaProtocolError"): _OUT_OF_STEP,
        _both("TooManyInFlightRequests"): verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore"),
        _both("QuotaViolationError"): verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore"),
        _both("AuthenticationFailedError"): _NOT_LET_IN,
        _both("AuthorizationError"): verdict(Category.AUTH, Code.FORBIDDEN, "never", "success"),
        _both("AuthenticationMethodNotSupported", "KafkaConfigurationError", "UnsupportedCodecError"): _BAD_SETUP,
        _both("IncompatibleBrokerVersion", "UnrecognizedBrokerVersion", "UnsupportedVersionError"): _BAD_SETUP,
        _both("IllegalArgumentError"): _BAD_VALUE,
        _both("RecordTooLargeError"): _TOO_LARGE,
        _both("ProducerFenced", "ProducerFencedError"): _FENCED,
        # The partitions have gone to another member; this commit cannot be made up for.
        _both("CommitFailedError"): verdict(Category.PERMANENT, Code.CONFLICT, "never", "ignore"),
        _both("UnjoinedGroupException"): _JOIN_ANEW,
        _both("NoOffsetForPartitionError", "LogTruncationError"): _NO_OFFSET,
        _both("TransactionAbortedError"): verdict(Category.TRANSIENT, Code.CONFLICT, "new_transaction", "ignore"),
        _both("IllegalStateError", "IllegalOperation", "ProducerClosed", "ConsumerStoppedError"): _MISUSE,
        _both("KafkaError"): _by_kafka_code,
    }
)

KAFKA: Table = {**_CONFLUENT, **_PYTHON}
