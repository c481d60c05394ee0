"""SQL databases: which rule judges the errors of which driver, and what SQLAlchemy and Django make of them."""

from __future__ import annotations

from typing import Any

from ..attributes import look_up, read
from ..recognition import Answer, Otherwise, Table, table
from . import sql_verdicts as say
from .mssql import by_pymssql
from .mysql import by_mysql_number
from .odbc import by_pyodbc
from .oracle import by_oracle_code
from .sql_words import by_words, while_connecting, words_of
from .sqlstate import by_condition, by_sqlstate, is_private

_BY_USER = say.RAISED.because("SQLSTATE of the database's users")
_STALE_PLAN = say.CHANGED.because("cached plan of a statement whose tables were altered")


def _by_state(error: Any) -> Answer:
    """Judge by SQLSTATE, then by the class's name, then by the message, then by the DB-API class."""
    state = read(error, "sqlstate")
    if not isinstance(state, str):
        state = read(error, "pgcode")
    found = by_sqlstate(state) or by_condition(type(error))
    if found is None:
        return _BY_USER if is_private(state) else by_words(error)
    if found.code == say.WRONG_SQL.code and "cached plan must not change" in words_of(error):
        return _STALE_PLAN
    return found


# -- asyncpg --------------------------------------------------------------------------------------------------

_POOL_CLOSED = say.CLOSED_BY_US.because("pool used after it was closed")
_UNUSABLE_AUTH = say.BAD_SETUP.because("login in a way that asyncpg cannot")
_MODULE_MISSING = say.NO_DRIVER.because("module that asyncpg needs")
_CONNECTION_GONE = say.CLOSED.because("connection closed before")
_INTERFACE = say.MISUSE.because("type asyncpg.InterfaceError")
_DATA = say.BAD_DATA.replace(circuit_outcome="ignore", reason="value that asyncpg cannot encode")


def _by_asyncpg_interface(error: Any) -> Answer:
    """Judge what asyncpg says of its own use: a connection that has gone is one of these as well."""
    words = words_of(error)
    if "pool is clos" in words:
        return _POOL_CLOSED
    if "authentication" in words:
        return _MODULE_MISSING if "module not found" in words else _UNUSABLE_AUTH
    if "connection is closed" in words or "connection was closed" in words or "connection is closing" in words:
        return _CONNECTION_GONE
    return _DATA if isinstance(error, ValueError) else _INTERFACE


ASYNCPG: Table = table(
    {
        "asyncpg:InvalidCachedStatementError asyncpg:OutdatedSchemaCacheError": say.CHANGED,
        "asyncpg:PostgresError": _by_state,
        "asyncpg:ClientConfigurationError": say.BAD_SETUP,
        "asyncpg:UnsupportedServerFeatureError": say.BAD_SETUP,
        "asyncpg:InterfaceError asyncpg:InterfaceWarning": _by_asyncpg_interface,
        "asyncpg:TargetServerAttributeNotMatched": say.NOT_READY,  # no primary among the hosts, until one takes over
        "asyncpg:ProtocolError asyncpg:BufferError": say.NONSENSE,
        "asyncpg:InternalClientError": Otherwise(say.MISUSE),
        "asyncpg:ClusterError": Otherwise(say.BAD_SETUP),
    }
)


# -- psycopg, MySQL, Oracle, SQL Server, SQLite ---------------------------------------------------------------

_POOL_EMPTY = say.POOL_EMPTY.because("connection pool exhausted")
_POOL_MISUSED = say.MISUSE.because("connection pool misused")


def _by_pool_words(error: Any) -> Answer:
    words = words_of(error)
    if "exhausted" in words:
        return _POOL_EMPTY
    return _POOL_CLOSED if "is closed" in words else _POOL_MISUSED


_UNREACHABLE = say.UNREACHABLE.because("type pg8000.InterfaceError")


def _by_pg8000(error: Any) -> Answer:
    """Judge an error of pg8000: a server's is a dict of the protocol's fields, with the SQLSTATE under C."""
    found = by_sqlstate(look_up(error.args[0] if error.args else None, "C"))
    if found is None and "create a connection" in words_of(error):
        return while_connecting(error, _UNREACHABLE)
    return found or by_words(error)


DRIVERS: Table = table(
    {
        "psycopg_pool:PoolTimeout psycopg_pool:TooManyRequests": say.POOL_EMPTY,
        "psycopg_pool:PoolClosed": say.CLOSED_BY_US,
        "psycopg:ConnectionTimeout": say.CONNECT_TIMEOUT,
        "psycopg:CancellationTimeout": say.TIMED_OUT,
        "psycopg:PipelineAborted": say.MISUSE,  # what failed is the statement before it
        "psycopg:Rollback psycopg2:StopReplication": say.MISUSE,  # signals to the library, out of their place
        "psycopg:Error psycopg:Warning psycopg2:Error psycopg2:Warning": _by_state,
        "psycopg2:PoolError": _by_pool_words,
        "pg8000:Error pg8000:Warning": _by_pg8000,
        "mysql:PoolError": _by_pool_words,
        "mysql:ConnectionTimeoutError": say.CONNECT_TIMEOUT,
        "mysql:ReadTimeoutError mysql:WriteTimeoutError": say.TIMED_OUT,
        "mysql:Error mysql:Warning": by_mysql_number,
        "pymysql:MySQLError MySQLdb:MySQLError asyncmy:MySQLError": by_mysql_number,
        "pyodbc:Error pyodbc:Warning": by_pyodbc,
        "oracledb:Error oracledb:Warning cx_Oracle:Error cx_Oracle:Warning": by_oracle_code,
        "pymssql:Error pymssql:Warning pymssql:MSSQLException _mssql:MSSQLException": by_pymssql,
        "aiomysql:Error": say.MISUSE,
        "asyncmy:BinLogNotEnabledError asyncmy:TableMetadataUnavailableError": say.BAD_SETUP,
    }
)


# -- SQLAlchemy and Django ------------------------------------------------------------------------------------


def _after_causes(error: Any) -> Answer:
    """Fall back on the words that the driver's error left in its wrapper, if that error is of no known driver."""
    found = by_words(error)
    return found if found is None or isinstance(found, Otherwise) else Otherwise(found)


_CONNECTION_INVALIDATED = say.CLOSED.because("SQLAlchemy: the connection was lost")


_NOT_SENT = Otherwise(say.MISUSE.because("type sqlalchemy.exc.StatementError"))
_BAD_URL = say.BAD_SETUP.because("database URL that SQLAlchemy cannot read")
_ARGUMENT = say.MISUSE.because("type sqlalchemy.exc.ArgumentError")


def _by_statement(error: Any) -> Answer:
    """Judge a wrapped error by what it wraps; but a connection that SQLAlchemy gave up has to be made anew."""
    if read(error, "connection_invalidated") is True:
        return _CONNECTION_INVALIDATED
    return _after_causes(error) or _NOT_SENT


def _by_argument(error: Any) -> Answer:
    return _BAD_URL if "sqlalchemy url" in words_of(error) else _ARGUMENT


def _by_resource(error: Any) -> Answer:
    return _HANDLE_CLOSED if "connection is closed" in words_of(error) else _RESULT_CLOSED


_HANDLE_CLOSED = say.CLOSED_BY_US.because("connection used after it was closed")
_RESULT_CLOSED = say.MISUSE.because("result that has no rows, or none left")


def _by_adapter(error: Any) -> Answer:
    """Judge an error of SQLAlchemy's adapter for asyncpg, which has the SQLSTATE and asyncpg's error as its cause."""
    return by_sqlstate(read(error, "pgcode")) or by_words(error)


SQLALCHEMY: Table = table(
    {
        "sqlalchemy:StatementError": _by_statement,
        "sqlalchemy:AsyncAdapt_asyncpg_dbapi.InvalidCachedStatementError": say.CHANGED,
        "sqlalchemy:AsyncAdapt_asyncpg_dbapi.Error sqlalchemy:EmulatedDBAPIException": _by_adapter,
        "sqlalchemy:TimeoutError": say.POOL_EMPTY,
        "sqlalchemy:DisconnectionError": say.CLOSED,
        # The ORM
        "sqlalchemy:StaleDataError": say.CHANGED,  # another transaction was faster: an optimistic lock
        "sqlalchemy:NoResultFound sqlalchemy:ObjectDeletedError": say.NO_DATA,
        "sqlalchemy:MultipleResultsFound": say.IN_THE_WAY,
        # The deployment
        "sqlalchemy:NoSuchModuleError": say.NO_DRIVER,
        "sqlalchemy:NoSuchTableError sqlalchemy:UnreflectableTableError": say.MISSING,
        "sqlalchemy:ArgumentError": _by_argument,
        "sqlalchemy:ResourceClosedError": _by_resource,
        # Everything else is a call that SQLAlchemy itself refuses: a session that needs a rollback first, an instance
        # without a session, a statement that does not compile.
        "sqlalchemy:SQLAlchemyError sqlalchemy:UnevaluatableError": say.MISUSE,
    }
)


def _by_django(error: Any) -> Answer:
    """Judge by the driver's error, which is the cause; without one by the words that it left."""
    return _after_causes(error)


DJANGO: Table = table(
    {
        "django.db.transaction.TransactionManagementError": say.MISUSE,
        "django:ProtectedError django:RestrictedError": say.IN_THE_WAY,
        "django.db.utils.Error": _by_django,
        "django:ConnectionDoesNotExist django:ImproperlyConfigured": say.BAD_SETUP,
        "django:ObjectDoesNotExist": say.NO_DATA,
        "django:MultipleObjectsReturned": say.IN_THE_WAY,
        "django:FieldError django:FieldDoesNotExist django:AppRegistryNotReady": say.MISUSE,
        "django:SynchronousOnlyOperation django:EmptyResultSet django:FullResultSet": say.MISUSE,
        "django:ValidationError django:SuspiciousOperation django:BadRequest": say.BAD_DATA,
        "django:PermissionDenied": say.FORBIDDEN,
    }
)

SQL: Table = {**ASYNCPG, **DRIVERS, **SQLALCHEMY, **DJANGO}
