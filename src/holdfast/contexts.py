"""Context variables where the garbage collector ends code: by a finaliser, or in a coroutine that nobody finishes.

The collector comes in anywhere; in CPython before 3.12 also within `ContextVar.set` and `copy_context`. What sets a
variable of the same context then frees what those are reading, and the process crashes (python/cpython#148891). So
nothing of ours sets one there: that something is over is said by a flag, and what is to be called is called apart.
"""

from __future__ import annotations

from contextvars import copy_context

from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import ContextVar
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    R = TypeVar("R")
    S = TypeVar("S", bound="Span")


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
        """Let what is called from here on see this span."""
        self.outer = outer = innermost(variable.get())
        if outer is not None:
            outer.outer = innermost(outer.outer)  # so that spans that overlap for ever make no endless chain
        self.is_open = True
        variable.set(self)

    def leave(self, variable: ContextVar[Any], error: object) -> None:
        """It is over, ended by `error` if that is not None, in whatever context that is."""
        self.is_open = False
        restore(variable, self, innermost(self.outer), error)


def innermost(span: S | None) -> S | None:
    """Return the span, or the innermost one around it that is not over."""
    while span is not None and not span.is_open:
        span = span.outer
    return span


def restore(variable: ContextVar[Any], here: object, outer: object, error: object) -> None:
    """Let `variable` be `outer` again where it is `here`; elsewhere this is another context, or somebody else's turn.

    With `GeneratorExit` the collector may be at work, so nothing is set: `here` has to say by itself that it is over.
    """
    if not isinstance(error, GeneratorExit) and variable.get() is here:
        variable.set(outer)


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in a copy of the context: what it sets is not seen from here, nor does it touch the context."""
    return copy_context().run(function, *args, **kwargs)
