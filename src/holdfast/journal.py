"""The loggers of holdfast, fetched when something is to be said, so that importing holdfast does not import logging.

All of them live under ``holdfast``. What they write names functions, policies and kinds of errors, never a call's
arguments, results, or the text of an error. Each record says in `record.correlation_id` to what it belongs, "-" if to
nothing; see `holdfast.correlation_id`. What is wrong with a line of the user's own is a warning that names this line.
"""

from __future__ import annotations

import sys
from types import FunctionType

from .correlation import get_correlation_id
from .functions import call_method, innermost, name_of
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from types import FrameType, TracebackType

NO_ID = "-"
"""What a record says that belongs to nothing."""

_INFO, _WARNING, _ERROR = 20, 30, 40

_HOME = __file__.rpartition("journal.py")[0]

_journals: dict[str, Journal] = {}


class Journal:
    """What is written to one logger. A filter, handler or record factory of the user's that raises changes nothing."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        # Not by `extra`, which raises where a user's record factory has set the same attribute already.
        logger.addFilter(stamp)
        self._logger = logger

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  as with any logger
        """Whether anything of that level is written."""
        return self._logger.isEnabledFor(level)

    def info(self, message: str, *details: object) -> None:
        """Write something of interest."""
        self._write(_INFO, message, details)

    def warning(self, message: str, *details: object) -> None:
        """Write something that is not as it should be."""
        self._write(_WARNING, message, details)

    def error(self, message: str, *details: object) -> None:
        """Write something that is wrong."""
        self._write(_ERROR, message, details)

    def _write(self, level: int, message: str, details: tuple[object, ...]) -> None:
        try:
            self._logger.log(level, message, *details, stacklevel=3)
        except Exception:  # there is nobody to tell
            return


def logger(room: str) -> Journal:
    """Return what writes to the logger ``holdfast.<room>``."""
    try:
        return _journals[room]
    except KeyError:
        import logging

        return _journals.setdefault(room, Journal(logging.getLogger(f"holdfast.{room}")))


def stamp(record: logging.LogRecord) -> bool:
    """Give a record the current correlation id, unless it has one; a filter that lets everything pass."""
    if not hasattr(record, "correlation_id"):
        record.correlation_id = get_correlation_id() or NO_ID
    return True


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the user's line: the one that called holdfast, from however deep in it this is called."""
    import warnings

    level = 1
    frame: FrameType | None = sys._getframe()  # noqa: SLF001
    while frame is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def report_broken(room: str, what: str, function: object, so: str = "; the guarded call is not affected") -> None:
    """Log the exception being handled: a user's callback or predicate raised it, and the guarded call goes on.

    Its type and place are told, not its text, which may quote what the call was about; `so` ends the sentence. Never
    raises.
    """
    try:
        error = sys.exception()
        place = _place(None if error is None else error.__traceback__, function)
        kind = type(error).__qualname__
        logger(room).error("%s %s raised %s%s%s", what, _called(function), kind, place, so)
    except Exception:  # noqa: S110  no room left on the stack; the call itself matters more
        pass


def _place(trace: TracebackType | None, function: object) -> str:
    """Tell where it was raised, or where `function` is if that never ran, as it takes other arguments."""
    inner = innermost(function)
    own = getattr(inner if isinstance(inner, FunctionType) else innermost(call_method(inner)), "__code__", None)
    place, has_run = "", False
    while trace is not None:
        code = trace.tb_frame.f_code
        has_run = has_run or code is own or not _is_ours(code.co_filename)
        place = f" ({code.co_filename}:{trace.tb_lineno})"
        trace = trace.tb_next
    if has_run:
        return place
    return "" if own is None else f" ({own.co_filename}:{own.co_firstlineno})"


def _is_ours(file: str) -> bool:
    return file.startswith((_HOME, "<holdfast "))  # the second is what wrappers are made of


def _called(function: object) -> str:
    try:
        return name_of(function)
    except Exception:  # an object that answers no questions
        return type(function).__qualname__
