"""What databases have to say, whatever their numbers for it: the verdicts that the tables of all of them share.

A statement that the server refused was not executed, and the transaction around it is lost: so "new_transaction" is
the scope of what may go better another time. A server that refuses a statement is well, hence "success"; "ignore" is
for what says nothing of its health, "failure" for one that is overloaded, stopped or out of reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..classification import Classification

# The data
UNIQUE = verdict(Category.PERMANENT, Code.UNIQUE_VIOLATION, "never", "success")
IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")  # foreign keys, exclusion, dependents
BAD_DATA = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success")
TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
NO_DATA = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
RAISED = verdict(Category.PERMANENT, Code.BAD_REQUEST, "never", "success")  # by the code of the database's own users

# The statement and the schema
WRONG_SQL = verdict(Category.INTERNAL, Code.BAD_REQUEST, "never", "success")
MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
# A pool or connection that our own process closed: there has to be a new one first, which no retry makes.
CLOSED_BY_US = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "reconnect", "ignore", retryable=False)
MISSING = verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "success")  # tables, columns, databases
EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")

# Who may do what
NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
TOKEN_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "ignore")

# Concurrency
SERIALIZATION = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")
DEADLOCK = verdict(Category.TRANSIENT, Code.DEADLOCK, "new_transaction")
LOCKED = verdict(Category.TRANSIENT, Code.LOCK_TIMEOUT, "new_transaction")
CHANGED = verdict(Category.TRANSIENT, Code.CONFLICT, "new_transaction", "ignore")  # optimistic locks, stale plans
FILE_LOCKED = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "new_transaction", "ignore")  # SQLite
TOO_SLOW = verdict(Category.TRANSIENT, Code.TIMEOUT, "new_transaction")

# Capacity
TOO_MANY = verdict(Category.RESOURCE, Code.TOO_MANY_CONNECTIONS, "always", "ignore")
POOL_EMPTY = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "always", "ignore")
HANDLES_USED_UP = verdict(Category.RESOURCE, Code.POOL_EXHAUSTED, "reconnect", "ignore")  # a session's cursors
DISK_FULL = verdict(Category.RESOURCE, Code.DISK_FULL, "never", "ignore")
OUT_OF_MEMORY = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "new_transaction", "ignore")
USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "ignore")
OVERLOADED = verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always")
RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")

# The server and the way to it
UNREACHABLE = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "always")
REFUSED = verdict(Category.TRANSIENT, Code.CONNECTION_REFUSED, "always")
CONNECT_TIMEOUT = verdict(Category.TRANSIENT, Code.CONNECT_TIMEOUT, "always")
NO_SUCH_HOST = verdict(Category.CONFIGURATION, Code.DNS_NAME_NOT_FOUND, "never", "ignore")
RESOLVER_DOWN = verdict(Category.TRANSIENT, Code.DNS_FAILURE, "always")
NOT_READY = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")  # starting, stopping, recovering
FAILED_OVER = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "new_transaction")
STOPPED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")  # by an administrator, or crashed
CLOSED = STOPPED  # a session or handle that was gone before the call
LOST = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "new_transaction")
IDLED = STOPPED  # by the server, for a limit on our idleness
IN_DOUBT = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "idempotent")  # it may have been committed
UNSURE = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
TIMED_OUT = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
# A retry on a new connection may find the server that can be written to; this one never can.
READ_ONLY = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "reconnect", "ignore")
NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, "reconnect")
BROKEN = verdict(Category.EXTERNAL, Code.SERVER_ERROR)  # a bug of the server, or damaged data
STUMBLED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "new_transaction")

# The deployment
BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
NO_DRIVER = verdict(Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore")
BAD_CERTIFICATE = verdict(Category.CONFIGURATION, Code.TLS_CERTIFICATE_INVALID, "never", "ignore")
TLS_FAILED = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore")
PROXY_FAILED = verdict(Category.CONFIGURATION, Code.PROXY_ERROR)
CANCELLED = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")


def numbered(whose: str, rows: Iterable[tuple[Classification, str]]) -> dict[int, Classification]:
    """Spread a table of verdicts and the numbers that mean them."""
    return {
        int(number): meaning.because(f"{whose} error {number}")
        for meaning, numbers in rows
        for number in numbers.split()
    }
