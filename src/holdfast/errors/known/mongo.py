"""PyMongo, and with it Motor, GridFS and BSON.

The server says what it knows in numbers and, since version 4.0, in labels: whether a write or a whole transaction may
be repeated. Labels outrank numbers. What the network did is in the cause or, for a server selection, only in the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..chain import is_exception, together
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Table, classes_of, rules_for, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .mongo_codes import (
    BACK_SOON,
    CONFLICT,
    DUPLICATE,
    EXISTS,
    FORBIDDEN,
    GONE,
    LOST,
    NOT_FOUND,
    NOT_PRIMARY,
    OVERLOADED,
    SERVER_FAILED,
    SPACE_USED_UP,
    TOO_LATE,
    UNAUTHENTICATED,
    by_mongo_number,
)
from .network_texts import spoken_of, spoken_of_connecting
from .phrases import by_phrase, first_words, lowered, phrases

if TYPE_CHECKING:
    from ..classification import Classification
    from ..taxonomy import RetryScope

_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SETTING = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_MODULE_MISSING = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_POOL_EMPTY = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")

# -- labels ---------------------------------------------------------------------------------------------------

_CONFLICTED = CONFLICT.because("label TransientTransactionError")
_MAY_BE_REPEATED = LOST.because("label of a retryable error")
_UNDER_PRESSURE = OVERLOADED.because("label SystemOverloadedError")


def _has(error: Any, *labels: str) -> bool:
    """Whether the error bears one of these labels; asking changes nothing and reaches nowhere."""
    ask = read(error, "has_error_label")
    if not callable(ask):
        return False
    try:
        return any(ask(label) is True for label in labels)
    except Exception:
        return False


def _labelled(error: Any, meaning: Classification) -> Classification | None:
    """Return what the labels make of a meaning, or None if there are none that change it.

    A transaction is repeated as a whole. A commit that may have taken place is repeated only if the transaction bears
    running twice: by then the driver has repeated the commit itself.
    """
    if _has(error, "UnknownTransactionCommitResult"):
        return _scoped(meaning, "idempotent", _MAY_BE_REPEATED)
    if _has(error, "TransientTransactionError"):
        return _scoped(meaning, "new_transaction", _CONFLICTED)
    may_retry = _has(error, "RetryableWriteError", "RetryableError")
    if _has(error, "SystemOverloadedError"):
        # Both labels: it was turned away at the door, or no connection was made.
        return _scoped(meaning, "always" if may_retry else "idempotent", _UNDER_PRESSURE)
    if may_retry and _has(error, "NoWritesPerformed"):
        return _scoped(meaning, "always", _MAY_BE_REPEATED)
    return _MAY_BE_REPEATED if may_retry and not meaning.retryable else None


def _scoped(meaning: Classification, scope: RetryScope, otherwise: Classification) -> Classification:
    """Keep the meaning, if it is worth a retry at all, and retry in this scope."""
    meaning = meaning if meaning.retryable else otherwise
    return meaning if meaning.retry_scope == scope else meaning.replace(retry_scope=scope)


# -- what the server refused ----------------------------------------------------------------------------------

_ATLAS = 8000
_ATLAS_MESSAGES = phrases(
    {
        ("auth",): UNAUTHENTICATED,
        ("not allowed", "not authorized"): FORBIDDEN,
        ("quota", "over your space"): SPACE_USED_UP,
    }
)
# The driver's own words when a login fails on the way, without a number.
_NUMBERLESS = phrases(
    {
        ("auth", "sasl", "kerberos", "iteration count", "invalid nonce", "invalid signature"): UNAUTHENTICATED,
        ("not master", "not primary", "node is recovering"): NOT_PRIMARY,
    }
)
_FAILED = SERVER_FAILED.because("operation failed without a number")


def _by_number(error: Any) -> Answer:
    meaning = _meaning(read(error, "code"), first_words(error))
    return (_labelled(error, meaning) or meaning).waiting(_asked_to_wait(error))


def _meaning(number: Any, words: str) -> Classification:
    if not is_whole(number) or number == 0:
        return by_phrase(words, _NUMBERLESS) or _FAILED
    if number == _ATLAS:  # what Atlas's proxies say themselves
        return by_phrase(words, _ATLAS_MESSAGES) or by_mongo_number(number)
    return by_mongo_number(number)


def _asked_to_wait(error: Any) -> float | None:
    """Read Cosmos DB's `RetryAfterMs=34` in the message, and the server's `baseBackoffMS` in its reply; in seconds."""
    milliseconds = look_up(read(error, "details"), "baseBackoffMS")
    if isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool) and 0 <= milliseconds < 1e9:
        return milliseconds / 1000
    return _cosmos_wait(first_words(error))


def _cosmos_wait(words: str) -> float | None:
    digits = words.partition("retryafterms=")[2].partition(",")[0].strip()
    return int(digits) / 1000 if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


_OUT_OF_TIME = TOO_LATE.because("operation stopped at its time limit")


def _by_time_limit(error: Any) -> Answer:
    return (_labelled(error, _OUT_OF_TIME) or _OUT_OF_TIME).waiting(_asked_to_wait(error))


def _by_write_concern(error: Any) -> Answer:
    """Judge a write that was carried out, but not copied to as many members as wanted."""
    meaning = _meaning(read(error, "code"), first_words(error))
    if meaning.retryable or meaning.category is Category.EXTERNAL:
        meaning = _scoped(meaning, "idempotent", LOST)
    return _labelled(error, meaning) or meaning


# -- many writes at once --------------------------------------------------------------------------------------

_MOST_WRITES = 50
_BULK_FAILED = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success", reason="bulk write failed")


def _by_writes(error: Any) -> Answer:
    """Judge a bulk write by its single errors; what came before them was carried out."""
    details = read(error, "details")
    found: list[Classification] = []
    waits: list[float] = []
    for name in ("writeErrors", "writeConcernErrors"):
        single = look_up(details, name)
        for each in _values(single)[:_MOST_WRITES]:
            text = look_up(each, "errmsg")
            words = lowered(text)
            found.append(_meaning(look_up(each, "code"), words))
            wait = _cosmos_wait(words)
            if wait is not None:
                waits.append(wait)
    inner = look_up(details, "error")
    if is_exception(inner):  # what ended a bulk write of a whole client
        found += _judged(inner)
    if not found:
        return _labelled(error, _BULK_FAILED) or _BULK_FAILED
    meaning = together(found)
    if meaning.retryable:
        if meaning.retry_scope != "new_transaction":
            meaning = _scoped(meaning, "idempotent", LOST)
        meaning = _labelled(error, meaning) or meaning
    return meaning.waiting(max(waits, default=None))


def _values(single: Any) -> list[Any]:
    if isinstance(single, list):
        return single
    return list(single.values()) if isinstance(single, dict) else []


def _judged(error: BaseException) -> list[Classification]:
    """Return the verdict on an error of PyMongo's, in a list; nothing if there is none."""
    rules = rules_for(classes_of(type(error)), MONGO)
    answer = rules[0] if rules else None
    if callable(answer):
        answer = answer(error)
    if isinstance(answer, Otherwise):
        answer = answer.verdict
    return [] if answer is None else [answer]


# -- the network ----------------------------------------------------------------------------------------------

_CONNECTION_BROKE = Otherwise(LOST.because("connection to MongoDB broke"))
_NO_HANDSHAKE = Otherwise(BACK_SOON.because("handshake with MongoDB failed"), unsent=True)
_PAUSED = BACK_SOON.because("connection pool paused until the server is back")


def _by_connection(error: Any) -> Answer:
    words = first_words(error)
    if "connection pool paused" in words:
        return _PAUSED
    connecting = "ssl handshake failed" in words
    told = spoken_of_connecting(words) if connecting else spoken_of(words)
    if told is not None and not told.retryable:
        return told
    fallback = _NO_HANDSHAKE if connecting else _CONNECTION_BROKE
    return _labelled(error, told or fallback.verdict) or told or fallback


_NO_LONGER_PRIMARY = NOT_PRIMARY.because("the node is no primary at present")
_READ_TIMED_OUT = verdict(Category.TRANSIENT, Code.READ_TIMEOUT, "idempotent", reason="no reply in time")


def _by_election(error: Any) -> Answer:
    return _labelled(error, _NO_LONGER_PRIMARY) or _NO_LONGER_PRIMARY


def _by_read_timeout(error: Any) -> Answer:
    return _labelled(error, _READ_TIMED_OUT) or _READ_TIMED_OUT


_NO_SERVER = BACK_SOON.because("no MongoDB server could be reached")
_WRONG_SET = _BAD_SETTING.because("replica set of another name")


def _by_selection(error: Any) -> Answer:
    """Judge a server selection by what its text says of each server; one that may come back outweighs the rest."""
    words = first_words(error, 2000).partition(", timeout: ")[0]
    told = [spoken_of_connecting(part) for part in words.split(",")]
    known = [meaning for meaning in told if meaning is not None]
    meaning = next((each for each in known if each.retryable), known[0] if known else None)
    if meaning is None:
        meaning = _WRONG_SET if "replica set named" in words else _NO_SERVER
    return (_labelled(error, meaning) or meaning) if meaning.retryable else meaning


# -- our own side ---------------------------------------------------------------------------------------------

_SETTING_MESSAGES = phrases({("must be installed", "is not installed", "is required", "no module"): _MODULE_MISSING})
_WRONG_SETTING = _BAD_SETTING.because("type pymongo.ConfigurationError")


def _by_setting(error: Any) -> Answer:
    """Judge a wrong setting; a `mongodb+srv` address is looked up while the settings are read."""
    words = first_words(error)
    return by_phrase(words, _SETTING_MESSAGES) or spoken_of_connecting(words) or _WRONG_SETTING


_COLLECTION_MESSAGES = phrases({("already exists",): EXISTS, (" invalid: ",): SERVER_FAILED})
_COLLECTION_WRONG = verdict(
    Category.PERMANENT, Code.CONFLICT, "never", "success", reason="type pymongo.CollectionInvalid"
)


def _by_collection(error: Any) -> Answer:
    return by_phrase(first_words(error), _COLLECTION_MESSAGES) or _COLLECTION_WRONG


_SOMETHING_FAILED = SERVER_FAILED.because("the driver gives no more detail")


def _by_labels(error: Any) -> Answer:
    return _labelled(error, _SOMETHING_FAILED) or Otherwise(_SOMETHING_FAILED)


MONGO: Table = table(
    {
        "pymongo:PyMongoError": _by_labels,
        # the network
        "pymongo:ConnectionFailure": _by_connection,
        "pymongo:NotPrimaryError pymongo:NotMasterError": _by_election,
        "pymongo:NetworkTimeout": _by_read_timeout,
        "pymongo:ServerSelectionTimeoutError": _by_selection,
        "pymongo:WaitQueueTimeoutError pymongo:ExceededMaxWaiters": _POOL_EMPTY,
        "pymongo:_PoolClosedError": verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "always", "ignore"),
        "pymongo:ProtocolError": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect"),
        # what the server refused
        "pymongo:OperationFailure": _by_number,
        "pymongo:WriteConcernError": _by_write_concern,
        "pymongo:ExecutionTimeout": _by_time_limit,
        "pymongo:WTimeoutError": TOO_LATE,
        "pymongo:DuplicateKeyError": DUPLICATE,
        "pymongo:CursorNotFound": GONE,
        "pymongo:BulkWriteError pymongo:ClientBulkWriteException": _by_writes,
        # our own side
        "pymongo:ConfigurationError": _by_setting,
        "pymongo:InvalidURI": _BAD_SETTING,
        "pymongo:InvalidOperation": _MISUSE,
        "pymongo:InvalidName": _BAD_VALUE,
        "pymongo:CollectionInvalid": _by_collection,
        "pymongo:DocumentTooLarge": verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "ignore"),
        # Encryption has a cause of its own: a key server that cannot be reached, a key that is not there.
        "pymongo:EncryptionError pymongocrypt:MongoCryptError": Otherwise(_BAD_SETTING),
        "gridfs:GridFSError": Otherwise(SERVER_FAILED),
        "gridfs:NoFile": NOT_FOUND,
        "gridfs:FileExists": EXISTS,
        "gridfs:CorruptGridFile": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
        "bson:BSONError": _BAD_VALUE,
        "bson:InvalidBSON": verdict(Category.EXTERNAL, Code.INVALID_RESPONSE),
    }
)
