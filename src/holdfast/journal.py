"""The loggers of holdfast, fetched when something is to be said, so that importing holdfast does not import logging.

All of them live under ``holdfast``. What they write names functions, policies and kinds of errors, never a call's
arguments, results, or the text of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable


_loggers: dict[str, logging.Logger] = {}


def logger(room: str) -> logging.Logger:
    """Return the logger ``holdfast.<room>``."""
    try:
        return _loggers[room]
    except KeyError:
        import logging

        return _loggers.setdefault(room, logging.getLogger(f"holdfast.{room}"))


def report_broken(room: str, what: str, function: Callable[..., object]) -> None:
    """Log the exception being handled: a user's callback or predicate raised it, and the guarded call goes on."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    logger(room).exception("%s %s raised; the guarded call is not affected", what, name)
