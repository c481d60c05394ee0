"""SQLite, by the standard library's sqlite3: the names of its result codes, and the texts it has for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .recognition import Answer, Rule, Table, verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_LOCKED = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "new_transaction", "ignore")
_FILE_BROKEN = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_EXISTS = verdict(Category.PERMANENT, Code.UNIQUE_VIOLATION, "never", "success")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_DATA_REFUSED = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success")
_REFUSED_FOR_GOOD = verdict(Category.PERMANENT, Code.BAD_REQUEST, "never", "success")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")

# Primary result codes and a few extended ones, https://www.sqlite.org/rescode.html; a longer name falls back on the
# part before its last underscore.
_NAMES: dict[str, Classification] = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_PROTOCOL": _LOCKED,
    "SQLITE_SCHEMA": verdict(Category.TRANSIENT, Code.CONFLICT, "new_transaction", "ignore"),
    "SQLITE_INTERRUPT": verdict(Category.TRANSIENT, Code.TIMEOUT, "new_transaction", "ignore"),
    "SQLITE_FULL": verdict(Category.RESOURCE, Code.DISK_FULL, "never", "ignore"),
    "SQLITE_NOMEM": verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "ignore"),
    "SQLITE_IOERR": _FILE_BROKEN,
    "SQLITE_CORRUPT": _FILE_BROKEN,
    "SQLITE_CANTOPEN": _BAD_SETUP,
    "SQLITE_READONLY": _BAD_SETUP,
    "SQLITE_PERM": _BAD_SETUP,
    "SQLITE_NOTADB": _BAD_SETUP,
    "SQLITE_AUTH": verdict(Category.AUTH, Code.FORBIDDEN, "never", "ignore"),
    "SQLITE_CONSTRAINT_UNIQUE": _EXISTS,
    "SQLITE_CONSTRAINT_PRIMARYKEY": _EXISTS,
    "SQLITE_CONSTRAINT_FOREIGNKEY": _IN_THE_WAY,
    "SQLITE_CONSTRAINT": _DATA_REFUSED,
    "SQLITE_MISMATCH": _DATA_REFUSED,
    "SQLITE_TOOBIG": verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success"),
    "SQLITE_RANGE": _MISUSE,
    "SQLITE_MISUSE": _MISUSE,
    "SQLITE_ERROR": _REFUSED_FOR_GOOD,  # no such table, a syntax error
}
_BY_NAME = {name: meaning.because(f"SQLite result {name}") for name, meaning in _NAMES.items()}

# SQLite's own texts for them, for errors that lost the name: pickled, copied or made by hand.
_TEXTS: dict[str, str] = {
    "no such ": "SQLITE_ERROR",  # table, column, function: its name could be any of the words below
    'near "': "SQLITE_ERROR",
    "database is locked": "SQLITE_BUSY",
    "table is locked": "SQLITE_LOCKED",
    "schema is locked": "SQLITE_LOCKED",
    "locking protocol": "SQLITE_PROTOCOL",
    "schema has changed": "SQLITE_SCHEMA",
    "interrupted": "SQLITE_INTERRUPT",
    "disk is full": "SQLITE_FULL",
    "out of memory": "SQLITE_NOMEM",
    "disk i/o error": "SQLITE_IOERR",
    "disk image is malformed": "SQLITE_CORRUPT",
    "unable to open database": "SQLITE_CANTOPEN",
    "readonly database": "SQLITE_READONLY",
    "access permission denied": "SQLITE_PERM",
    "file is not a database": "SQLITE_NOTADB",
    "file is encrypted": "SQLITE_NOTADB",
    "not authorized": "SQLITE_AUTH",
    "authorization denied": "SQLITE_AUTH",
    "is prohibited": "SQLITE_AUTH",
    "unique constraint failed": "SQLITE_CONSTRAINT_UNIQUE",
    "foreign key constraint failed": "SQLITE_CONSTRAINT_FOREIGNKEY",
    "constraint failed": "SQLITE_CONSTRAINT",
    "datatype mismatch": "SQLITE_MISMATCH",
    "string or blob too big": "SQLITE_TOOBIG",
    "index out of range": "SQLITE_RANGE",
    "api misuse": "SQLITE_MISUSE",
}


def _by_class(kind: str, otherwise: Classification) -> Rule:
    """Judge by SQLite's own name for the error first, then by its text, and by its class if neither is known."""
    fallback = otherwise.because(f"type sqlite3.{kind}")

    def by_name_or_text(error: Any) -> Answer:
        name = getattr(error, "sqlite_errorname", None)
        if not isinstance(name, str):
            words = error.args[0] if error.args else None
            words = words[:200].lower() if isinstance(words, str) else ""
            name = next((named for text, named in _TEXTS.items() if text in words), "")
        while name:
            if name in _BY_NAME:
                return _BY_NAME[name]
            name = name.rpartition("_")[0]
        return fallback

    return by_name_or_text


_CLASSES: dict[str, Classification] = {
    "OperationalError": _REFUSED_FOR_GOOD,
    "IntegrityError": _IN_THE_WAY,
    "DataError": _DATA_REFUSED,
    "ProgrammingError": _MISUSE,
    "InterfaceError": _MISUSE,
    "NotSupportedError": _MISUSE,
    "DatabaseError": _FILE_BROKEN,
    "Error": _MISUSE,
    "Warning": _MISUSE,
}
SQLITE: Table = {f"sqlite3.{kind}": _by_class(kind, meaning) for kind, meaning in _CLASSES.items()}
