"""The loggers of holdfast, fetched when something is to be said, so that importing holdfast does not import logging.

All of them live under ``holdfast``. What they write names functions, policies and kinds of errors, never a call's
arguments, results, or the text of an error. Each record says in `record.correlation_id` to what it belongs, "-" if to
nothing; see `holdfast.correlation_id`.
"""

from __future__ import annotations

import sys

from .correlation import get_correlation_id
from .functions import name_of
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

NO_ID = "-"
"""What a record says that belongs to nothing."""

_loggers: dict[str, logging.Logger] = {}


def logger(room: str) -> logging.Logger:
    """Return the logger ``holdfast.<room>``."""
    try:
        return _loggers[room]
    except KeyError:
        import logging

        ours = logging.getLogger(f"holdfast.{room}")
        # Not by `extra`, which raises where a user's record factory has set the same attribute already.
        ours.addFilter(stamp)
        return _loggers.setdefault(room, ours)


def stamp(record: logging.LogRecord) -> bool:
    """Give a record the current correlation id, unless it has one; a filter that lets everything pass."""
    if not hasattr(record, "correlation_id"):
        record.correlation_id = get_correlation_id() or NO_ID
    return True


def report_broken(room: str, what: str, function: object) -> None:
    """Log the exception being handled: a user's callback or predicate raised it, and the guarded call goes on.

    Its type and place are told, not its text, which may quote what the call was about.
    """
    error = sys.exception()
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})"
    logger(room).error(
        "%s %s raised %s%s; the guarded call is not affected", what, name_of(function), type(error).__qualname__, place
    )
