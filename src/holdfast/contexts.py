"""Context variables that say in which blocks the running code is, also where the garbage collector ends such a block.

In CPython before 3.12 the collector may come in anywhere, also within `ContextVar.set` and `copy_context`. Whoever
sets a variable of the same context then, in a finaliser, or in a coroutine or generator that is closed there, frees
what those are reading, and the process crashes (python/cpython#148891). So while it is at work in this thread nothing
of ours sets one: that a block is over is said by a flag, and what others have given us to call is called in a copy of
the context.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import OrderedDict
from contextvars import copy_context
from functools import partial

from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar
    from typing import Any, Final, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    S = TypeVar("S", bound="Span")

START: Final = "start"

phases: OrderedDict[str, None] = OrderedDict.fromkeys((START, "stop"))
"""What the collector has said last of what it does comes last. ``_, phase = phases`` asks without a call."""

_told: dict[str, object] = {}
_told_here = threading.local()

# Called with the phase and a new object for each, and all of them C: in a function of Python signals would be handled,
# and what a handler raises, such as by Ctrl-C, would be lost.
_callbacks: list[Any] = [partial(setattr, _told_here), _told.__setitem__, phases.move_to_end]
gc.callbacks += _callbacks if sys.version_info < (3, 12) else []  # later ones collect between two lines of Python only


def collecting() -> bool:
    """Whether this runs within the garbage collector, and no context variable must be set."""
    _, phase = phases
    return phase is START and getattr(_told_here, START, None) is _told[START]


def aside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function, within the collector in a copy of the context: what it sets then does not touch the context."""
    if collecting():
        return copy_context().run(function, *args, **kwargs)
    return function(*args, **kwargs)


class Span:
    """A block of code or a call, as what runs in it sees it by a context variable: open or over, and what is around it.

    The variable may go on naming one that is over: in tasks that were begun in it, and where the collector ended it.
    `innermost` looks past such ones.
    """

    __slots__ = ("is_open", "outer")

    def __init__(self) -> None:
        self.is_open = False
        self.outer: Any = None  # a span of the same kind

    def enter(self, variable: ContextVar[Any]) -> None:
        """Let what is called from here on see this span. Once only."""
        self.outer = outer = innermost(variable.get())
        if outer is not None:
            outer.outer = innermost(outer.outer)  # so that spans that overlap for ever make no endless chain
        self.is_open = True
        if not collecting():
            variable.set(self)

    def leave(self, variable: ContextVar[Any]) -> None:
        """It is over, and what is called from here on sees the one around it."""
        try:
            self.give_way(variable)
        finally:
            self.close()

    def give_way(self, variable: ContextVar[Any]) -> None:
        """Let what is called from here on see the one around it, unless this is another context."""
        if innermost(variable.get()) is self and not collecting():
            variable.set(self.around())

    def around(self) -> Any:
        """Return what is seen once this is not."""
        return innermost(self.outer)

    def close(self) -> None:
        """It is over, wherever it is seen from."""
        self.is_open = False


def innermost(span: S | None) -> S | None:
    """Return the span, or the innermost one around it that is not over."""
    while span is not None and not span.is_open:
        span = span.outer
    return span
