"""What only the message of a database error says: mostly of connections, which fail before there is a code.

psycopg and psycopg2 have no SQLSTATE for an error in connecting, and hand on the words of libpq and of the server,
which speaks the language of its `lc_messages`: the commonest are known in German, French and Spanish too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..recognition import Answer, Otherwise, classes_of
from ..taxonomy import ErrorCode as Code
from . import sql_verdicts as say
from .network_texts import spoken_of

if TYPE_CHECKING:
    from ..classification import Classification

_CONNECTING = (
    "connection failed",
    "connection to server",
    "could not connect",
    "unable to connect",
    "can't connect",
    "create a connection",
)
_MOST_WORDS = 600  # libpq names the host, its addresses and the port before it comes to the point

# The server's own refusals in connecting
_REFUSALS: tuple[tuple[Classification, tuple[str, ...]], ...] = (
    (
        say.NOT_LET_IN,
        (
            "authentication failed",
            "no password supplied",
            "pg_hba.conf",
            "is not permitted to log in",
            "login failed",
            "access denied",
            "logon denied",
            "passwort-authentifizierung",
            "authentification par mot de passe",
            "autentificación password falló",
            "wrong password",
        ),
    ),
    (say.FORBIDDEN, ("permission denied for", "must be superuser", "must be owner")),
    (
        say.TOO_MANY,
        (
            "too many clients",
            "too many connections",
            "connection slots are reserved",
            "no more connections allowed",
            "max clients reached",
            "maxclients",
            "schon zu viele verbindungen",
            "trop de clients",
            "demasiados clientes",
        ),
    ),
    (
        say.NOT_READY,
        (
            "starting up",
            "shutting down",
            "recovery mode",
            "not yet accepting connections",
            "not accepting connections",
            "not currently accepting connections",
            "server login has been failing",  # PgBouncer
            "session is read-only",  # target_session_attrs, until the failover is done
            "session is not read-only",
            "hot standby mode",
            "datenbanksystem startet",
            "datenbanksystem fährt herunter",
            "bases de données se lance",
            "base de données se lance",
            "está iniciándose",
            "está apagándose",
        ),
    ),
    (say.STOPPED, ("terminating connection due to", "server conn crashed")),
)
# What the system, the resolver and OpenSSL say, in the words that they have for every client, by its code.
_NETWORK: dict[str, Classification] = {
    Code.DNS_FAILURE: say.RESOLVER_DOWN,
    Code.DNS_NAME_NOT_FOUND: say.NO_SUCH_HOST,
    Code.TLS_CERTIFICATE_INVALID: say.BAD_CERTIFICATE,
    Code.CONNECTION_REFUSED: say.REFUSED,
    Code.CONNECTION_ERROR: say.UNREACHABLE,
    Code.CONNECTION_RESET: say.LOST,
}
_ROWS: tuple[tuple[Classification, tuple[str, ...]], ...] = (
    # Names
    (say.RESOLVER_DOWN, ("(-3)", "eai_again")),
    (
        say.NO_SUCH_HOST,
        (
            "could not translate host name",
            "failed to resolve host",
            "unknown host",
            "no such host",
            "unknown server host",
            "unknown mysql server host",
        ),
    ),
    # TLS
    (
        say.BAD_CERTIFICATE,
        (
            "server certificate for",
            "root certificate",
            "does not match host name",
            "could not load private key",
        ),
    ),
    (say.LOST, ("ssl syscall error: eof", "ssl connection has been closed unexpectedly")),
    (say.LOST, ("unexpected eof while reading", "bad record mac")),  # hung up; or one socket in two processes
    (say.TLS_FAILED, ("does not support ssl", "ssl error:", "ssl is required", "sslmode", "ssl off", "tls handshake")),
    # The way there
    (say.UNREACHABLE, ("could not connect to any",)),
    # A session that was gone before the call, then one that broke in it
    (
        say.CLOSED,
        (
            "already closed",
            "closed connection",
            "connection is closed",
            "connection is lost",
            "connection socket closed",
            "connection not open",
            "connection was closed",
            "connection has been closed",
            "underlying connection is closed",
            "no connection to the server",
            "connection not available",
            "not connected",
        ),
    ),
    (
        say.LOST,
        (
            "server closed the connection",
            "could not receive data",
            "could not send data",
            "consuming input failed",
            "flushing failed",
            "lost connection",
            "lost synchronization",
            "broken pipe",
            "eof detected",
            "connection abort",
            "network error",
            "gone away",
        ),
    ),
    # What the server says of statements, if the code was lost on the way
    (say.DEADLOCK, ("deadlock detected", "deadlock found", "was deadlocked")),
    (say.SERIALIZATION, ("could not serialize access", "restart transaction")),
    (say.LOCKED, ("lock timeout", "lock wait timeout", "could not obtain lock")),
    (say.FILE_LOCKED, ("database is locked", "database table is locked")),
    (say.TOO_SLOW, ("statement timeout", "canceling statement due to", "query_wait_timeout")),
    (say.CHANGED, ("cached plan must not change",)),
    (say.READ_ONLY, ("in a read-only transaction",)),
    (say.UNIQUE, ("duplicate key value", "duplicate entry")),
    (say.DISK_FULL, ("no space left on device", "disk full")),
    (say.OUT_OF_MEMORY, ("out of memory", "out of shared memory")),
    # The deployment
    (say.MISSING, ("unknown database", "existiert nicht", "n'existe pas", "no existe la base de datos")),
    (
        say.BAD_SETUP,
        (
            "invalid dsn",
            "invalid connection option",
            'missing "="',
            "invalid port number",
            "invalid integer value",
            "definition of service",
            "unrecognized configuration parameter",
            "unsupported startup parameter",
            "unsupported frontend protocol",
            "could not match",
        ),
    ),
    # What the other side cannot have meant
    (say.NONSENSE, ("packet sequence number wrong", "unexpected packet", "auth switch request", "unexpected message")),
)
# libpq adds the question whether the server is running to whatever kept it from connecting.
_LAST_ROWS: tuple[tuple[Classification, tuple[str, ...]], ...] = (
    (say.REFUSED, ("is the server running",)),
    (say.UNREACHABLE, ("connection is bad", *_CONNECTING)),
    (say.BAD_SETUP, ("no such file or directory", "permission denied")),
)


def _because(rows: tuple[tuple[Classification, tuple[str, ...]], ...]) -> list[tuple[Classification, tuple[str, ...]]]:
    return [(meaning.because("message of the database"), words) for meaning, words in rows]


_REFUSED_BY_SERVER, _MEANINGS, _LAST = _because(_REFUSALS), _because(_ROWS), _because(_LAST_ROWS)
_BY_NETWORK = {code: meaning.because("message of the database") for code, meaning in _NETWORK.items()}
_MISSING_OBJECT = say.MISSING.because("message of the database")
_NO_SUCH_ROLE = say.NOT_LET_IN.because("message of the database")
_IN_TIME = ("timeout expired", "timed out", "connection timeout", "timeout exceeded")
_CONNECT_TIMEOUT = say.CONNECT_TIMEOUT.because("message of the database")
_TIMED_OUT = say.TIMED_OUT.because("message of the database")
_NEVER_CONNECTED = say.UNREACHABLE.because("connection closed while it was made")
_REFUSED = say.REFUSED.because("refused while connecting")
_UNIQUE = say.UNIQUE.because("message of the database")
_BAD_DATA = say.BAD_DATA.because("message of the database")
_CURSOR_CLOSED = say.MISUSE.because("cursor used after it was closed")

# PEP 249's classes; the driver may have chosen the class well even where it gives no code.
_BY_DBAPI_CLASS: dict[str, Classification] = {
    "IntegrityError": say.IN_THE_WAY,
    "DataError": say.BAD_DATA,
    "ProgrammingError": say.WRONG_SQL,
    "NotSupportedError": say.MISUSE,
    "InterfaceError": say.MISUSE,
    "OperationalError": say.UNSURE,
    "InternalError": say.BROKEN,
    "DatabaseError": say.BROKEN,
    "Error": say.BROKEN,
    # their likes with other names: of MySQL, pymssql, asyncpg, SQLAlchemy
    "MySQLError": say.BROKEN,
    "MSSQLException": say.BROKEN,
    "PostgresError": say.BROKEN,
    "DBAPIError": say.BROKEN,
    "EmulatedDBAPIException": say.BROKEN,
    "Warning": say.MISUSE,
}
_FALLBACKS = {name: Otherwise(meaning.because(f"DB-API {name}")) for name, meaning in _BY_DBAPI_CLASS.items()}


def words_of(error: Any) -> str:
    """Return the beginning of the message in lower case, "" if there is none."""
    texts = [text for text in error.args[:3] if isinstance(text, str)]
    return " ".join(text[:_MOST_WORDS] for text in texts).lower()


def by_words(error: Any) -> Answer:
    """Judge an error without a code by its message, then by its DB-API class; its causes are asked before the class."""
    words = words_of(error)
    names = [each.__name__ for each in classes_of(type(error))]
    fallback = next((_FALLBACKS[name] for name in names if name in _FALLBACKS), None)
    if "IntegrityError" in names:
        return _by_integrity(words) or fallback
    return fallback if "DataError" in names else by_message(words) or fallback


def _by_integrity(words: str) -> Classification | None:
    if "duplicate" in words or "unique" in words:
        return _UNIQUE
    return _BAD_DATA if "null" in words or "check constraint" in words else None


def by_message(words: str) -> Classification | None:
    """Judge a message in lower case; None if it says nothing that is known."""
    if not words:
        return None
    connecting = any(each in words for each in _CONNECTING)
    if "cursor" in words and "closed" in words:
        return _CURSOR_CLOSED
    if "does not exist" in words and "certificate" not in words:
        return _NO_SUCH_ROLE if connecting and 'role "' in words else _MISSING_OBJECT
    found = _named_in(words, _REFUSED_BY_SERVER) or _by_network(words) or _named_in(words, _MEANINGS)
    if found is not None:
        return _NEVER_CONNECTED if connecting and found.code == say.LOST.code else found
    if any(each in words for each in _IN_TIME):
        connecting = connecting or "connection timeout" in words or words.startswith("timeout expired")  # libpq's words
        return _CONNECT_TIMEOUT if connecting else _TIMED_OUT
    return _named_in(words, _LAST)


def _named_in(words: str, rows: list[tuple[Classification, tuple[str, ...]]]) -> Classification | None:
    return next((meaning for meaning, texts in rows if any(each in words for each in texts)), None)


def _by_network(words: str) -> Classification | None:
    found = spoken_of(words)
    return None if found is None else _BY_NETWORK.get(found.code)


def while_connecting(error: Any, otherwise: Classification) -> Answer:
    """Judge an error in making a connection: nothing was sent yet, so what may pass is worth another try anyhow."""
    cause = read(error, "original_exception") or error.__cause__ or error.__context__
    if isinstance(cause, TimeoutError):
        return _CONNECT_TIMEOUT
    if isinstance(cause, (ConnectionRefusedError, FileNotFoundError)):
        return _REFUSED
    if isinstance(cause, ConnectionError):
        return otherwise
    if isinstance(cause, OSError):
        return Otherwise(otherwise)  # names that do not resolve, certificates, missing rights
    return by_message(words_of(error)) or otherwise
