"""One id for all that belongs together, as everything done for one request: it stands in logs and error reports.

It lives in a `contextvars.ContextVar`, so tasks and the worker threads of timeouts inherit it from who started them.
"""

from __future__ import annotations

import os
from contextvars import ContextVar

from .contexts import Span, collecting
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_current: ContextVar[_Current | None] = ContextVar("holdfast.correlation_id", default=None)

_LONGEST = 128


class _Current(Span):
    """What the code in a block sees of it, and what is begun there, which keeps the id when the block is over."""

    __slots__ = ("inherited", "is_dropped", "value")

    def __init__(self, value: str, around: _Current | None) -> None:
        super().__init__()
        self.value = value
        self.is_dropped = False  # it ended where it could not be taken back
        self.inherited = None if around is None or around.is_open or around.is_dropped else around

    def around(self) -> Any:
        """Return the one in which this task was begun, though it is over, or else the innermost that is not."""
        inherited, self.inherited = self.inherited, None
        return super().around() if inherited is None else inherited


class CorrelationBlock:
    """A `with` block in which everything goes under one id; to be entered once."""

    __slots__ = ("_here", "value")

    def __init__(self, value: str) -> None:
        self.value = value
        self._here: _Current | None = None

    def __enter__(self) -> str:
        if self._here is not None:
            raise RuntimeError("a correlation_id block is entered once; make one with correlation_id(...) for each")
        self._here = _Current(self.value, _current.get())
        self._here.enter(_current)
        return self.value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Not by a token: a generator's block may be left in another context than it was entered in, as in a fixture.
        if self._here is not None:
            self._here.is_dropped = collecting()
            self._here.leave(_current)

    def __del__(self) -> None:
        here = getattr(self, "_here", None)
        if here is not None and here.is_open:  # entering or leaving it was interrupted
            here.is_dropped = True
            here.close()


def correlation_id(value: str | None = None) -> CorrelationBlock:
    """Return a `with` block in which logs and reports carry the id `value`; default a new one, of 32 hex digits.

    Tasks and worker threads that are started in the block carry it too. Blocks may be nested; the innermost counts.
    An id often comes from a header that anybody can write. So an empty one is replaced by a new one, characters that
    cannot be printed by ``?`` (nobody can forge a line of your log), and what is beyond 128 characters is cut off.

    >>> with correlation_id("order-42") as current:
    ...     current, get_correlation_id()
    ('order-42', 'order-42')
    >>> print(get_correlation_id())
    None

    Raises `TypeError` if `value` is neither a text nor None.
    """
    given: object = value
    if given is not None and not isinstance(given, str):
        raise TypeError(f"correlation_id: value must be a text or None, not a {type(given).__name__}; write str(...)")
    return CorrelationBlock(_clean(given or "") or os.urandom(16).hex())


def get_correlation_id() -> str | None:
    """Return the id of the innermost `correlation_id` block around the running code, or None."""
    current = _current.get()
    while current is not None and current.is_dropped:
        current = current.outer
    return None if current is None else current.value


def _clean(value: str) -> str:
    value = str.__str__(value)[: 2 * _LONGEST].strip()[:_LONGEST]
    return value if value.isprintable() else "".join(each if each.isprintable() else "?" for each in value)
