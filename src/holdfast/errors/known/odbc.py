"""ODBC, as pyodbc gives it: the states of its own beside SQLSTATE, and what the driver writes into the message.

The number of the server itself says more than the state, which for SQL Server and MySQL is often a general one. It
stands in parentheses in front of the name of the ODBC function: "... deadlocked on lock resources (1205)
(SQLExecDirectW)"; Oracle's driver begins its text with ORA-.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import mssql, mysql, sql_verdicts as say
from .oracle import by_oracle_text
from .sql_words import by_message, by_words
from .sqlstate import by_sqlstate

if TYPE_CHECKING:
    from ..classification import Classification
    from ..recognition import Answer

# The ODBC manual's appendix A, and what its drivers' managers add.
_ROWS: dict[str, Classification] = {
    "08001 08004": say.UNREACHABLE,
    "08002 08S02 HY010": say.MISUSE,
    "08003": say.CLOSED,
    "08S01": say.LOST,  # communication link failure
    "01000 01S00 01S09": say.BAD_SETUP,
    "01002": say.CLOSED,  # disconnect error
    "21S01 21S02 07002 07005 07006 07009": say.WRONG_SQL,
    "42S01 42S11 42S21 S0001 S0011 S0021": say.EXISTS,
    "42S02 42S12 42S22 S0002 S0012 S0022": say.MISSING,
    "HY001 HY013 HY014": say.OUT_OF_MEMORY,
    "HY003 HY004 HY104 HY105": say.BAD_DATA,
    "HY008": say.CANCELLED,  # by SQLCancel, from another thread of ours
    "HYC00": say.WRONG_SQL,
    "HYT00 S1T00": say.TIMED_OUT,
    "HYT01": say.CONNECT_TIMEOUT,
    "HY117": say.IN_DOUBT,
    "IM002 IM012 IM014": say.BAD_SETUP,
    "IM001 IM003 IM004 IM005": say.NO_DRIVER,
}
_BY_STATE = {
    state: meaning.because(f"ODBC state {state}") for states, meaning in _ROWS.items() for state in states.split()
}
_BY_CLASS = {
    "HY": say.MISUSE.because("ODBC state class HY"),
    "IM": say.BAD_SETUP.because("ODBC state class IM"),
}
_LOGIN_TIMEOUT = say.CONNECT_TIMEOUT.because("ODBC login timeout")
_NO_DRIVER_FOUND = say.NO_DRIVER.because("ODBC driver not found")
_GENERAL = frozenset({"HY000", "42000", "S1000", "01000"})
"""States that drivers give to whatever has no state of its own."""

_MOST_TEXT = 2000


def by_pyodbc(error: Any) -> Answer:
    """Judge an error of pyodbc: its first argument is the state, its second the driver's text."""
    state = error.args[0] if error.args else None
    if not isinstance(state, str) or len(state) != 5:
        return by_words(error)
    text = error.args[1] if len(error.args) > 1 else ""
    text = text[:_MOST_TEXT].lower() if isinstance(text, str) else ""
    found = _by_text(text)
    if found is not None:
        return found
    if state == "HYT00" and "login timeout" in text:
        return _LOGIN_TIMEOUT
    if state in _GENERAL or state in {"08001", "08004", "IM004"}:
        found = by_message(text[text.find("] ") + 2 :])
        if found is not None:
            return found
    if state in {"HY000", "S1000"}:
        return by_words(error)
    if state == "01000" and ("can't open lib" in text or "file not found" in text):  # unixODBC
        return _NO_DRIVER_FOUND
    return _BY_STATE.get(state) or _BY_CLASS.get(state[:2]) or by_sqlstate(state) or by_words(error)


def _by_text(text: str) -> Classification | None:
    """Judge by the server's own number in the driver's text."""
    if "ora-" in text:
        return by_oracle_text(text.upper())
    number = _number_in(text)
    if number is None:
        return None
    if "sql server]" in text:
        return mssql.by_number(number)
    if "[mysql]" in text or "[ma-" in text or "mariadb" in text:
        return mysql.BY_NUMBER.get(number)
    return None


def _number_in(text: str) -> int | None:
    end = text.find(") (sql")
    if end < 0 and text.endswith(")"):
        end = len(text) - 1
    digits = text[text.rfind("(", 0, end) + 1 : end] if end > 0 else ""
    return int(digits) if len(digits) <= 9 and digits.removeprefix("-").isdecimal() else None
