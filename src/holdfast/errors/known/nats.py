"""NATS and JetStream, by nats-py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Rule, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of

if TYPE_CHECKING:
    from ..classification import Classification

_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_NOTHING_CAME = verdict(Category.TRANSIENT, Code.TIMEOUT, "always", "ignore")
_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_TOO_MANY = verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "always")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_TLS = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_WE_ARE_LEAVING = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False)
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "idempotent")
_OUT_OF_STEP = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect")
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")


# -- JetStream ------------------------------------------------------------------------------------------------

# Error codes that say more than the status beside them, from nats-server's errors.json.
_NAMED: dict[tuple[int, str], Classification] = {
    (10002, "account resources exceeded"): _USED_UP,
    (10023, "insufficient resources"): _FULL.replace(circuit_outcome="failure"),
    (10026, "maximum consumers reached"): _USED_UP,
    (10027, "maximum streams reached"): _USED_UP,
    (10028, "insufficient memory"): _USED_UP,
    (10047, "insufficient storage"): _USED_UP,
    (10053, "stream limits exceeded"): _USED_UP,
    (10120, "no limits present"): _BAD_SETUP,
    (10122, "stream max bytes exceeded"): _USED_UP,
    # the deployment lacks what is asked for; the status 503 would say "come back"
    (10010, "cluster required"): _BAD_SETUP,
    (10035, "account not found"): _BAD_SETUP,
    (10036, "unsupported in clustered mode"): _BAD_SETUP,
    (10039, "JetStream not enabled for account"): _BAD_SETUP,
    (10076, "JetStream not enabled"): _BAD_SETUP,
    (10074, "replicas not supported"): _BAD_SETUP,
    (10185, "API level required"): _BAD_SETUP,
    # another server of the cluster has to take it
    (10006, "cluster not active"): _BAD_SETUP,
    (10007, "cluster not assigned"): _UNAVAILABLE,
    (10009, "cluster not leader"): _UNAVAILABLE,
    (10118, "stream offline"): _UNAVAILABLE,
    (10119, "consumer offline"): _UNAVAILABLE,
    (10194, "stream offline"): _UNAVAILABLE,
    (10195, "consumer offline"): _UNAVAILABLE,
    # optimistic locks, and what is there already
    (10060, "expected stream does not match"): _IN_THE_WAY,
    (10063, "expected sequence does not match"): _IN_THE_WAY,
    (10070, "wrong last message id"): _IN_THE_WAY,
    (10071, "wrong last sequence"): _IN_THE_WAY,
    (10164, "wrong last sequence"): _IN_THE_WAY,
    (10180, "min last sequence"): _IN_THE_WAY,
    (10013, "consumer name in use"): _EXISTS,
    (10058, "stream name in use"): _EXISTS,
    (10065, "subjects overlap"): _IN_THE_WAY,
    (10105, "consumer exists and is active"): _EXISTS,
    (10130, "stream name in use"): _EXISTS,
    (10148, "consumer exists"): _EXISTS,
    (10201, "duplicate message id"): _EXISTS,
    (10109, "stream sealed"): _IN_THE_WAY,
    (10124, "stream move in progress"): _IN_THE_WAY,
    (10202, "member change in progress"): _IN_THE_WAY,
    (10226, "stream reconfiguration in progress"): _IN_THE_WAY,
    # nothing there, with a status other than 404
    (10043, "sequence not found"): _NOT_FOUND,
    (10149, "consumer does not exist"): _NOT_FOUND,
    (10054, "message too large"): _TOO_LARGE,
    (10097, "headers too large"): _TOO_LARGE,
    (10052, "invalid stream configuration"): verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success"),
    (10096, "stream not valid"): verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success"),
}
_BY_ERR_CODE = {
    number: meaning.because(f"JetStream error {number}, {name}") for (number, name), meaning in _NAMED.items()
}

# Statuses in the header of a reply to a pull; those of the JetStream API are HTTP's in meaning too.
_NO_MESSAGES = _NOTHING_CAME.because("JetStream status 404 No Messages")
_PULL_EXPIRED = _NOTHING_CAME.because("JetStream status 408 Request Timeout")
_STORE_FULL = _USED_UP.because("JetStream error 10077, store full")
# What ends a pull with 409, by the status's description in lower case.
_CONFLICTS: dict[str, Classification] = {
    "leadership change": _UNAVAILABLE.because("JetStream status 409 Leadership Change"),
    "server shutdown": _CLOSED.because("JetStream status 409 Server Shutdown"),
    "exceeded": _FULL.because("JetStream status 409, a limit of the consumer exceeded"),
    "consumer deleted": _NOT_FOUND.because("JetStream status 409 Consumer Deleted"),
}


def _by_api_error(error: Any) -> Answer:
    """Judge an answer of JetStream: its own code first, then the status."""
    code, status = read(error, "err_code"), read(error, "code")
    description = read(error, "description")
    words = description[:200].lower() if isinstance(description, str) else ""
    if is_whole(code):
        if code == 10077 and "exceeded" in words:  # "maximum messages exceeded", "maximum bytes exceeded"
            return _STORE_FULL
        if code in _BY_ERR_CODE:
            return _BY_ERR_CODE[code]
    elif status == 404 and "no messages" in words:
        return _NO_MESSAGES
    elif status == 408:
        return _PULL_EXPIRED
    elif status == 409:
        for said, meaning in _CONFLICTS.items():
            if said in words:
                return meaning
    return STATUSES.get(status) if is_whole(status) else None


def _status(number: int) -> Rule:
    """Judge an error whose class stands for a status, and which nats-py often makes without any number."""
    return lambda error: _by_api_error(error) or STATUSES[number]


def _by_service_code(error: Any) -> Answer:
    """Judge what a service says of itself: a text, by convention with the number of an HTTP status."""
    status = as_status(read(error, "code"))
    return Otherwise(_OTHER) if status is None else STATUSES[status]


# -- the server's -ERR ----------------------------------------------------------------------------------------

# nats-py makes the bare `Error` of these, with the server's text; lower case.
_SAID: dict[str, Classification] = {
    "user authentication expired": _EXPIRED,
    "account authentication expired": _EXPIRED,
    "user authentication revoked": _NOT_LET_IN,
    "authorization violation": _NOT_LET_IN,
    "authentication timeout": _TIMEOUT,
    "authorization timeout": _TIMEOUT,
    "permissions violation": _FORBIDDEN,
    "maximum connections exceeded": _TOO_MANY,
    "maximum account active connections exceeded": _TOO_MANY,
    "maximum subscriptions exceeded": _USED_UP,
    "maximum payload": _TOO_LARGE,
    "maximum control line exceeded": _TOO_LARGE,
    "stale connection": _CLOSED,
    "slow consumer": _CLOSED,
    "server shutdown": _CLOSED,
    "empty response from server": _CLOSED,
    "tls required": _BAD_TLS,
    "no ssl context": _BAD_TLS,
    "attempted to connect to": _BAD_SETUP,  # a port for routes, gateways or leaf nodes
    "invalid client protocol": _BAD_SETUP,
    "no responders": _UNAVAILABLE,
    "invalid subject": _BAD_VALUE,
    "invalid publish subject": _BAD_VALUE,
    "parser error": _OUT_OF_STEP,
    "unknown protocol operation": _OUT_OF_STEP,
    "json parse": _NONSENSE,
    "connect url": _BAD_SETUP,
    "mixing of websocket": _BAD_SETUP,
    "must use coroutine": _MISUSE,
    "cannot ": _MISUSE,
    "already bound": _MISUSE,
    "not set": _MISUSE,
    "no reply subject": _MISUSE,
}
_BY_TEXT = {words: meaning.because(f"NATS says: {words.strip()}") for words, meaning in _SAID.items()}
_OTHER_NATS_ERROR = Otherwise(_OTHER.because("NATS error without a class of its own"))


def _by_text(error: Any) -> Answer:
    words = text_of(error, 300)
    return next((meaning for said, meaning in _BY_TEXT.items() if said in words), _OTHER_NATS_ERROR)


NATS: Table = table(
    {
        "nats:FetchTimeoutError": _NOTHING_CAME,  # no message came; the stream may just be empty
        "nats:TimeoutError": _TIMEOUT,
        "nats:NoRespondersError nats:NoStreamResponseError": _UNAVAILABLE,
        "nats:NoServersError": Otherwise(_NOT_CONNECTED),
        "nats:StaleConnectionError nats:ConnectionClosedError nats:ConnectionReconnectingError": _CLOSED,
        "nats:ConnectionDrainingError": _WE_ARE_LEAVING,
        "nats:OutboundBufferLimitError nats:TooManyStalledMsgsError": _FULL,
        "nats:SlowConsumerError": verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "never", "ignore"),
        "nats:AuthorizationError": _NOT_LET_IN,
        "nats:InvalidUserCredentialsError": _NO_CREDENTIALS,
        "nats:SecureConnRequiredError nats:SecureConnWantedError nats:SecureConnFailedError": _BAD_TLS,
        "nats:MaxPayloadError": _TOO_LARGE,
        "nats:BadSubjectError nats:BadHeaderError nats:BadTimeoutError": _BAD_VALUE,
        "nats:BadSubscriptionError nats:InvalidCallbackTypeError nats:MsgAlreadyAckdError": _MISUSE,
        "nats:NotJSMessageError nats:ServerNotInPoolError": _MISUSE,
        "nats:JsonParseError": _NONSENSE,
        "nats:ProtocolError": _OUT_OF_STEP,
        "nats:Error": _by_text,
        "nats:ServiceError": _by_service_code,
        # -- JetStream, key-value and object stores ------------------------------------------------------------
        "nats:KeyWrongLastSequenceError": _IN_THE_WAY,
        "nats:KeyDeletedError nats:ObjectDeletedError": _GONE,
        "nats:KeyNotFoundError nats:NoKeysError nats:BucketNotFoundError nats:ObjectNotFoundError": _NOT_FOUND,
        "nats:ObjectAlreadyExists": _EXISTS,
        "nats:KeyHistoryTooLargeError nats:InvalidKeyError nats:InvalidBucketNameError": _BAD_VALUE,
        "nats:InvalidObjectNameError nats:LinkIsABucketError": _BAD_VALUE,
        "nats:BadBucketError nats:KeyValueLimitMarkerTTLNotSupportedError": _BAD_SETUP,
        "nats:BadObjectMetaError": _NONSENSE,
        "nats:DigestMismatchError": _GARBLED,
        "nats:ConsumerSequenceMismatchError": _OUT_OF_STEP,
        "nats:ServiceUnavailableError": _status(503),
        "nats:ServerError": _status(500),
        "nats:NotFoundError": _status(404),
        "nats:BadRequestError": _status(400),
        "nats:APIError": _by_api_error,
    }
)
