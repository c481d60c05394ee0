"""The loggers of holdfast, fetched when something is to be said, so that importing holdfast does not import logging.

All of them live under ``holdfast``. What they write names functions, policies and kinds of errors, never a call's
arguments, results, or the text of an error.
"""

from __future__ import annotations

import sys

from .functions import name_of
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

_loggers: dict[str, logging.Logger] = {}


def logger(room: str) -> logging.Logger:
    """Return the logger ``holdfast.<room>``."""
    try:
        return _loggers[room]
    except KeyError:
        import logging

        return _loggers.setdefault(room, logging.getLogger(f"holdfast.{room}"))


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
