"""Azure Service Bus and Event Hubs, which speak AMQP 1.0: what each condition and each of their classes means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
_BROKEN_OFF = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")
_LINK_GONE = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")
_SESSION_GONE = verdict(Category.TRANSIENT, Code.SESSION_TERMINATED, "reconnect", "ignore")
_TIMEOUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_BUSY = verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always")
_LOCKED = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_SERVER_ERROR = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_CONFLICT = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
_CONDITION_FAILED = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")

# Conditions of AMQP 1.0 (part 2.8.14 to 2.8.18 of the standard) and of Microsoft's own, without "amqp:" and
# "com.microsoft:" in front, which Event Hubs' errors leave out.
_ROWS: dict[str, Classification] = {
    "internal-error unknown-error": _SERVER_ERROR,
    "server-busy": _BUSY,
    "timeout operation-cancelled": _TIMEOUT,
    "resource-limit-exceeded link:transfer-limit-exceeded": _USED_UP,
    "not-found": _NOT_FOUND,
    "unauthorized-access": _FORBIDDEN,
    "auth-failed": _NOT_LET_IN,
    "resource-locked session-cannot-be-locked": _LOCKED,
    "precondition-failed": _CONDITION_FAILED,
    "resource-deleted": _GONE,
    "entity-already-exists": _EXISTS,
    "entity-disabled message-lock-lost illegal-state entity-update": _CONFLICT,
    "message-not-found session-not-found store-lock-lost": _NOT_FOUND,
    "session-lock-lost": _SESSION_GONE,
    "decode-error invalid-field not-allowed not-implemented argument-error argument-out-of-range": _WRONG_REQUEST,
    "link:message-size-exceeded frame-size-too-small": _TOO_LARGE,
    "link:detach-forced link:redirect connection:redirect session:errant-link": _LINK_GONE,
    "link:stolen": _CONFLICT,  # somebody else reads this partition now
    "connection:forced socket-error container-close": _CLOSED,
    "connection:framing-error session:window-violation": _NONSENSE,
}
_CONDITIONS = {
    name: meaning.because(f"AMQP condition {name}") for names, meaning in _ROWS.items() for name in names.split()
}


def _by_condition(error: Any) -> Classification | None:
    """Return what the error's AMQP condition means: bytes, text, or a member of an enumeration of bytes."""
    for name in ("_condition", "condition", "error"):
        value = read(error, name)
        for each in (value, read(value, "value")):
            if isinstance(each, (bytes, bytearray)):
                each = bytes(each[:100]).decode("latin-1")  # noqa: PLW2901
            if isinstance(each, str):
                condition = each.removeprefix("amqp:").removeprefix("com.microsoft:")
                if condition in _CONDITIONS:
                    return _CONDITIONS[condition]
    return None


_WORTH_IT = _SERVER_ERROR.because("Service Bus error that its client retries")
_NOT_WORTH_IT = _SERVER_ERROR.replace(retryable=False, retry_scope="never", reason="Service Bus error that it does not")


def _by_service_bus_condition(error: Any) -> Answer:
    """Judge a Service Bus error whose class says little: by its condition, or by what its client does about it."""
    found = _by_condition(error)
    return found or Otherwise(_WORTH_IT if read(error, "_retryable") is True else _NOT_WORTH_IT)


def _or(meaning: Classification, kind: str) -> Any:
    meaning = meaning.because(f"type {kind}")

    def by_condition(error: Any) -> Answer:
        return _by_condition(error) or Otherwise(meaning)

    return by_condition


MESSAGING: Table = table(
    {
        # -- Service Bus --------------------------------------------------------------------------------------------
        "azure:ServiceBusConnectionError azure:ServiceBusCommunicationError": Otherwise(_BROKEN_OFF),
        "azure:ServiceBusAuthenticationError": _NOT_LET_IN,
        "azure:ServiceBusAuthorizationError": _FORBIDDEN,
        "azure:ServiceBusQuotaExceededError": _USED_UP,
        "azure:ServiceBusServerBusyError": _BUSY,
        "azure:OperationTimeoutError": _TIMEOUT,  # of Event Hubs, too
        "azure:MessageSizeExceededError": _TOO_LARGE,
        "azure:MessageAlreadySettled": _CONFLICT,
        # The message will be delivered again, to somebody; to settle this delivery is no longer possible.
        "azure:MessageLockLostError": _CONFLICT,
        "azure:SessionLockLostError": _SESSION_GONE,
        "azure:SessionCannotBeLockedError": _LOCKED,
        "azure:AutoLockRenewFailed": Otherwise(_SESSION_GONE),
        "azure:AutoLockRenewTimeout": _CONFLICT,
        "azure:MessageNotFoundError azure:MessagingEntityNotFoundError": _NOT_FOUND,
        "azure:MessagingEntityAlreadyExistsError": _EXISTS,
        "azure:MessagingEntityDisabledError": _CONFLICT,
        "azure:ServiceBusError": _by_service_bus_condition,
        # -- Event Hubs ---------------------------------------------------------------------------------------------
        "azure:ClientClosedError": _MISUSE,
        "azure:EventDataError": _WRONG_INPUT,
        "azure:OwnershipLostError": _CONFLICT,
        "azure.eventhub.exceptions.AuthenticationError": _NOT_LET_IN,
        "azure:ConnectError": _or(_NOT_CONNECTED, "azure.ConnectError"),
        "azure:ConnectionLostError": _or(_CLOSED, "azure.ConnectionLostError"),
        "azure:EventHubError": _or(_SERVER_ERROR, "azure.EventHubError"),
        # -- the AMQP client that both carry along ------------------------------------------------------------------
        "azure:AMQPConnectionError": _or(_CLOSED, "azure.AMQPConnectionError"),
        "azure:AMQPSessionError azure:AMQPLinkError": _or(_LINK_GONE, "azure.AMQPLinkError"),
        "azure:AMQPDecodeError azure:UnexpectedFrame": _NONSENSE,
        "azure:TokenExpired": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"),
        "azure:AuthenticationException": _or(_NOT_LET_IN, "azure.AuthenticationException"),
        "azure:AMQPException": _or(_SERVER_ERROR, "azure.AMQPException"),
    }
)
