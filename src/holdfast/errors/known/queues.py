"""Task queues on top of brokers: kombu, Celery and billiard."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of
from .phrases import words_of

_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_MAYBE_SENT = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_FULL = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
_BUSY = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_POISON = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "never", "success")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_NOT_THERE = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "ignore")
_NO_SUCH_QUEUE = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_NOT_INSTALLED = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
_OTHER_PROPERTIES = verdict(Category.CONFIGURATION, Code.PRECONDITION_FAILED, "never", "success")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BUG = verdict(Category.INTERNAL, Code.INTERNAL_ERROR)
_CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")
_WORKER_DIED = verdict(Category.RESOURCE, Code.PROCESS_FAILED, "idempotent", "failure")


def _by_http_code(error: Any) -> Answer:
    """Judge an answer to kombu's HTTP client, which SQS is spoken with; 599 is its own, for no answer at all."""
    status = as_status(read(error, "code"))
    return Otherwise(_OTHER) if status is None else STATUSES[status]


def _by_transport(error: Any) -> Answer:
    """Judge what kombu makes of all that is recoverable, of any transport: the cause says what it was, or the text."""
    said = spoken_of(words_of(error))
    return _UNREACHED if said is None else Otherwise(said)


_UNREACHED = Otherwise(_NOT_CONNECTED)

QUEUES: Table = table(
    {
        # -- kombu --------------------------------------------------------------------------------------------
        "kombu:OperationalError": _by_transport,
        "kombu:BatchPublishError": Otherwise(_MAYBE_SENT),
        "kombu:DecodeError": _POISON,
        "kombu:SerializationError": _BAD_VALUE,
        "kombu:ContentDisallowed": _BAD_SETUP,
        "kombu:SerializerNotInstalled kombu:MatcherNotInstalled kombu:VersionMismatch": _NOT_INSTALLED,
        "kombu:NotBoundError kombu:MessageStateError": _MISUSE,
        "kombu:LimitExceeded": _FULL,
        "kombu:MutexHeld kombu:LockError": _BUSY,
        "kombu:InconsistencyError": Otherwise(_NONSENSE),
        "kombu:NotEquivalentError": _OTHER_PROPERTIES,
        "kombu:HttpError": _by_http_code,
        "kombu:AuthenticationFailure": _NOT_LET_IN,
        "kombu:AccessDeniedQueueException": _FORBIDDEN,
        "kombu:UndefinedQueueException kombu:UndefinedExchangeException": _NOT_THERE,  # not among those configured
        "kombu:DoesNotExistQueueException": _NO_SUCH_QUEUE,
        "kombu:InvalidQueueException": _BAD_SETUP,
        "kombu:KombuError": Otherwise(_OTHER),
        # -- Celery -------------------------------------------------------------------------------------------
        "celery:TimeoutError": _TIMEOUT,  # of a wait for a result: the task may still run
        "celery:SoftTimeLimitExceeded billiard:SoftTimeLimitExceeded": _TIMEOUT,
        "celery:TimeLimitExceeded billiard:TimeLimitExceeded billiard:TimeoutError": _TIMEOUT,
        "celery:WorkerLostError billiard:WorkerLostError": _WORKER_DIED,
        "celery:Terminated billiard:Terminated celery:TaskRevokedError": _CANCELLED,
        "celery:MaxRetriesExceededError": Otherwise(verdict(Category.PERMANENT, Code.RETRY_EXHAUSTED)),
        # A task says so of itself: what it failed for is in the cause, or is not told.
        "celery:Retry": Otherwise(_MAYBE_SENT),
        "celery:Ignore celery:Reject": _CANCELLED,
        "celery:ImproperlyConfigured celery:AlwaysEagerIgnored": _BAD_SETUP,
        "celery:NotRegistered celery:QueueNotFound celery:AlreadyRegistered": _BAD_SETUP,
        "celery:SecurityError": _NOT_LET_IN,
        "celery:InvalidTaskError celery:IncompleteStream": _POISON,
        "celery:ChordError celery:TaskError": Otherwise(_OTHER),
        "celery:BackendError": Otherwise(_MAYBE_SENT),
        "celery:BacklogLimitExceeded": verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "never", "ignore"),
        "celery:SchedulingError": Otherwise(_NOT_CONNECTED),
        "celery:LockFailed": _BUSY,
        "celery:ParseException": _BAD_VALUE,
        "celery:CycleError celery:NotAPackage": _BAD_SETUP,
        "celery:UnpickleableExceptionWrapper": Otherwise(_OTHER),
        "celery:CeleryError": Otherwise(_OTHER),
        # -- billiard, its multiprocessing ----------------------------------------------------------------------
        "billiard:AuthenticationError": _NOT_LET_IN,
        "billiard:RestartFreqExceeded": verdict(Category.RESOURCE, Code.PROCESS_FAILED),
        "billiard:CoroStop billiard:WorkersJoined": _CANCELLED,
        "billiard:RemoteError": _OTHER,
        "billiard:BufferTooShort": _BUG,
        "billiard:MaybeEncodingError": _BAD_VALUE,
        "billiard:ProcessError": verdict(Category.EXTERNAL, Code.PROCESS_FAILED),
    }
)
