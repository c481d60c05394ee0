"""HTTP statuses: what each means for a retry, and where an error carries its status.

The table follows RFC 9110 and the registries of nginx, Cloudflare and Anthropic for the statuses they invented, and,
where opinions differ, what the vendors' own clients retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NOT_REACHED = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_NOT_ABLE = verdict(Category.PERMANENT, Code.SERVER_ERROR, "never", "success")
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_NO_ANSWER_IN_TIME = verdict(Category.TRANSIENT, Code.GATEWAY_TIMEOUT, "idempotent")
_REDIRECT = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")

_MEANINGS: dict[int, Classification] = {
    401: verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success"),
    402: verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success"),
    403: verdict(Category.AUTH, Code.FORBIDDEN, "never", "success"),
    404: verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success"),
    407: verdict(Category.CONFIGURATION, Code.PROXY_ERROR),
    408: verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "always"),
    409: verdict(Category.PERMANENT, Code.CONFLICT, "never", "success"),
    410: verdict(Category.PERMANENT, Code.GONE, "never", "success"),
    412: verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
    413: verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success"),
    421: verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "reconnect"),
    422: verdict(Category.VALIDATION, Code.UNPROCESSABLE, "never", "success"),
    423: verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "success"),
    425: verdict(Category.TRANSIENT, Code.TOO_EARLY, "always", "ignore"),
    429: verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore"),
    451: verdict(Category.PERMANENT, Code.FORBIDDEN, "never", "success"),
    499: verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore"),
    501: _NOT_ABLE,
    502: verdict(Category.TRANSIENT, Code.BAD_GATEWAY, "idempotent"),
    503: verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always"),
    504: _NO_ANSWER_IN_TIME,
    505: _NOT_ABLE,
    506: _NOT_ABLE,
    507: verdict(Category.RESOURCE, Code.DISK_FULL),
    508: _NOT_ABLE,
    510: _NOT_ABLE,
    511: verdict(Category.CONFIGURATION, Code.PROXY_ERROR),  # a captive portal wants a login
    521: _NOT_REACHED,
    522: verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always"),
    523: _NOT_REACHED,
    524: _NO_ANSWER_IN_TIME,  # the origin may have done the work
    525: verdict(Category.CONFIGURATION, Code.TLS_ERROR),
    526: verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID),
    527: verdict(Category.TRANSIENT, Code.BAD_GATEWAY, "idempotent"),
    529: verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always"),
    530: verdict(Category.TRANSIENT, Code.BAD_GATEWAY, "idempotent"),
    598: _NO_ANSWER_IN_TIME,
    599: _NO_ANSWER_IN_TIME,
}
_OTHERS = {3: _REDIRECT, 4: _WRONG_REQUEST, 5: _SERVER_BROKE}

STATUSES: dict[int, Classification] = {
    status: _MEANINGS.get(status, _OTHERS[status // 100]).because(f"HTTP status {status}") for status in range(300, 600)
}
"""The verdict on each status from 300 to 599; below, the call succeeded, and above there is no HTTP."""

FORBIDDEN_FOR_ITS_RATE = STATUSES[429].because("HTTP status 403 with the headers of a rate limit")

# Libraries whose errors carry whole numbers named `code` or `status` that are not HTTP's: database, AMQP, Kafka, SMTP,
# WebSocket close codes and so on. What hangs on their `.response` is HTTP all the same.
_DATABASES = (
    "aiomysql asyncmy asyncpg cx_Oracle motor MySQLdb mysql neo4j oracledb psycopg psycopg2 pymongo pymysql pyodbc"
)
_STORES_AND_BROKERS = "aio_pika aiokafka aiormq amqp cimpl confluent_kafka kafka kombu nats pika redis valkey"
_OTHER_PROTOCOLS = "ftplib grpc ldap ldap3 paramiko smtplib sqlalchemy sqlite3 websockets"
_SPEAK_OTHER_NUMBERS = frozenset(f"{_DATABASES} {_STORES_AND_BROKERS} {_OTHER_PROTOCOLS}".split())


def has_http_numbers(roots: set[str]) -> bool:
    """Whether a number named `code` or `status` on an error from these packages may be an HTTP status."""
    return _SPEAK_OTHER_NUMBERS.isdisjoint(roots)


def as_status(value: Any) -> int | None:
    """Return the value as an HTTP status of 300 to 599, or None if it is none; texts of three digits count."""
    if type(value) is int:
        return value if 300 <= value <= 599 else None
    if isinstance(value, str):
        value = int(value) if len(value) == 3 and value.isascii() and value.isdigit() else None
    if isinstance(value, int) and not isinstance(value, bool) and 300 <= value <= 599:  # an http.HTTPStatus
        return int(value)
    return None
