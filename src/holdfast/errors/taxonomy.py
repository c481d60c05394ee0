"""The words in which every pattern speaks of a failure: category, code, scope, outcome."""

from __future__ import annotations

from enum import StrEnum

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal, TypeAlias


class ErrorCategory(StrEnum):
    """What kind of failure it is, and so what can be done about it."""

    TRANSIENT = "TRANSIENT"
    """Depends on the moment: timeouts, resets, 503, a deadlock. The same call may well succeed in a second."""
    EXTERNAL = "EXTERNAL"
    """The dependency failed, was overloaded, limits our rate, or answered nonsense."""
    RESOURCE = "RESOURCE"
    """A capacity or quota is used up: pool, disk, file handles, budget."""
    VALIDATION = "VALIDATION"
    """The caller sent something wrong."""
    PERMANENT = "PERMANENT"
    """Well-formed, but as it is it will never succeed: 404, 409, a unique violation."""
    AUTH = "AUTH"
    """Missing, expired or insufficient credentials."""
    CONFIGURATION = "CONFIGURATION"
    """The deployment is wrong: host name, certificate, missing driver, missing file."""
    INTERNAL = "INTERNAL"
    """A bug in our own process."""
    CANCELLED = "CANCELLED"
    """Cancellation or shutdown. Never retried, never a failure."""
    UNKNOWN = "UNKNOWN"
    """Nothing is known of it. Not retried unless `retry_on` names it."""


class ErrorCode(StrEnum):
    """The built-in codes: a bounded set, fit for a metric's label. Any other text may be a code too."""

    MCP_CONNECTION_FAILED = "MCP_CONNECTION_FAILED"
    MCP_TIMEOUT = "MCP_TIMEOUT"
    MCP_TOOL_NOT_FOUND = "MCP_TOOL_NOT_FOUND"
    AGENT_NOT_FOUND = "AGENT_NOT_FOUND"
    AGENT_INVALID_INPUT = "AGENT_INVALID_INPUT"
    EXTERNAL_RATE_LIMITED = "EXTERNAL_RATE_LIMITED"
    EXTERNAL_UNAVAILABLE = "EXTERNAL_UNAVAILABLE"

    TIMEOUT = "TIMEOUT"
    CONNECT_TIMEOUT = "CONNECT_TIMEOUT"
    READ_TIMEOUT = "READ_TIMEOUT"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    CONNECTION_REFUSED = "CONNECTION_REFUSED"
    CONNECTION_RESET = "CONNECTION_RESET"
    CONNECTION_CLOSED = "CONNECTION_CLOSED"
    CONNECTION_ERROR = "CONNECTION_ERROR"
    DNS_FAILURE = "DNS_FAILURE"
    DNS_NAME_NOT_FOUND = "DNS_NAME_NOT_FOUND"
    TLS_ERROR = "TLS_ERROR"
    TLS_CERTIFICATE_INVALID = "TLS_CERTIFICATE_INVALID"
    PROXY_ERROR = "PROXY_ERROR"
    INCOMPLETE_READ = "INCOMPLETE_READ"
    INVALID_RESPONSE = "INVALID_RESPONSE"
    INVALID_JSON = "INVALID_JSON"

    SERVER_ERROR = "SERVER_ERROR"
    BAD_GATEWAY = "BAD_GATEWAY"
    GATEWAY_TIMEOUT = "GATEWAY_TIMEOUT"
    TOO_EARLY = "TOO_EARLY"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    BAD_REQUEST = "BAD_REQUEST"
    UNPROCESSABLE = "UNPROCESSABLE"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    GONE = "GONE"
    CONFLICT = "CONFLICT"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105  a code, not a secret
    MISSING_CREDENTIALS = "MISSING_CREDENTIALS"

    DEADLOCK = "DEADLOCK"
    SERIALIZATION_FAILURE = "SERIALIZATION_FAILURE"
    LOCK_TIMEOUT = "LOCK_TIMEOUT"
    UNIQUE_VIOLATION = "UNIQUE_VIOLATION"
    POOL_EXHAUSTED = "POOL_EXHAUSTED"
    TOO_MANY_CONNECTIONS = "TOO_MANY_CONNECTIONS"
    DISK_FULL = "DISK_FULL"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"

    MISSING_DEPENDENCY = "MISSING_DEPENDENCY"
    INVALID_CONFIGURATION = "INVALID_CONFIGURATION"
    UNKNOWN_POLICY = "UNKNOWN_POLICY"
    SESSION_TERMINATED = "SESSION_TERMINATED"
    PROCESS_FAILED = "PROCESS_FAILED"
    CANCELLED = "CANCELLED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    UNKNOWN = "UNKNOWN"

    REJECTED = "REJECTED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    BULKHEAD_QUEUE_FULL = "BULKHEAD_QUEUE_FULL"
    BULKHEAD_QUEUE_TIMEOUT = "BULKHEAD_QUEUE_TIMEOUT"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    WORKER_LIMIT_REACHED = "WORKER_LIMIT_REACHED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    RETRY_EXHAUSTED = "RETRY_EXHAUSTED"


if TYPE_CHECKING:
    RetryScope: TypeAlias = Literal["always", "idempotent", "new_transaction", "reconnect", "never"]
    """When a retry is safe.

    * ``always``: the request certainly was not executed, or the server asked to come back.
    * ``idempotent``: it may have been executed, so only an operation that may run twice is safe to retry.
    * ``new_transaction``: the whole transaction has to be run again.
    * ``reconnect``: the session or connection has to be made anew first.
    * ``never``: no retry is of any use.
    """

    CircuitOutcome: TypeAlias = Literal["failure", "success", "ignore"]
    """What a failure says of the dependency's health.

    * ``failure``: the dependency is unwell.
    * ``success``: it answered, be it with a 404.
    * ``ignore``: nothing at all, as when a local pool was empty.
    """
