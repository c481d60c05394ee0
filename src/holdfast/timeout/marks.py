"""The nearest deadline of the running code, as guards see it: a mark in the context that nested calls inherit.

A mark is a plain tuple, because a guarded call makes one each time:

=============  =====================================================================================================
`at`           the moment by which all must be done, in seconds of the clock that `read` reads
`read`         the clock
`holder`       who is cut at that moment: an asyncio task, a job of a worker thread, or None if nobody is
`limit`        how long that was in all, and whose limit it is
`cancelling`   how many cancellations the task had asked for when this began
`block`        the block of code that it holds for, or None for a call; a block that is over limits nobody, wherever
               its mark may have been left, as by an iterator that was dropped half-way
=============  =====================================================================================================

Marks only get nearer: what sets a new one takes the nearer of its own moment and the one that is there.
"""

from __future__ import annotations

from contextvars import ContextVar

from ..errors import DeadlineExceededError, OperationTimeoutError
from ..functions import call_method, innermost
from ..switch import is_off
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    Mark: TypeAlias = tuple[float, Callable[[], float], Any, "Limit", int, "Block | None"]

current: ContextVar[Mark | None] = ContextVar("holdfast.deadline", default=None)
"""The nearest deadline of the running code. `current_mark` reads it."""


class Block:
    """The block of code that a mark holds for: whether it is over, and which mark is around it."""

    __slots__ = ("is_open", "outer")

    def __init__(self, outer: Mark | None) -> None:
        self.is_open = True
        self.outer = outer


_LEAVES_WORK = "__holdfast_leaves_work__"


def note_leaves_work(wrapper: Any) -> None:
    """Note that a guarded plain function may leave work behind in a thread; what wraps it takes the note over."""
    setattr(wrapper, _LEAVES_WORK, True)


def leaves_work(function: object) -> bool:
    """Whether a function, or one that it wraps, may leave work behind in a thread."""
    for each in (function, innermost(function), call_method(function)):
        if getattr(each, _LEAVES_WORK, False) is True:
            return True
    return False


class Limit:
    """How many seconds something may take, and whose limit that is.

    `what` names it ("timeout", "deadline 'request'"), `of` says of what it is the limit, if that is a function or a
    guard, and `subject` what takes too long. `final`: it ends the whole call, so there is no use in trying again.
    """

    __slots__ = ("final", "of", "seconds", "subject", "what")

    def __init__(self, seconds: float, what: str, of: str = "", *, subject: str = "", final: bool = False) -> None:
        self.seconds = seconds
        self.what = what
        self.of = of
        self.subject = subject or of
        self.final = final

    @property
    def whose(self) -> str:
        """The limit in words, as "the timeout of fetch" or "the deadline 'request'"."""
        return f"the {self.what} of {self.of}" if self.of else f"the {self.what}"

    def exceeded(self) -> OperationTimeoutError:
        """Return the error for what took longer than its own limit."""
        kind = DeadlineExceededError if self.final else OperationTimeoutError
        if self.of:
            text = f"{self.subject} took longer than its {self.what} of {self.seconds:g} s"
        else:
            text = f"{self.whose} of {self.seconds:g} s is over"
        return kind(text, duration=self.seconds, name=self.of or "the block", limit=self.whose)

    def cut_short(self, name: str, at: float, *, began: bool) -> DeadlineExceededError:
        """Return the error for `name`, which this limit, that of somebody around it, cut short or kept from beginning.

        `at` is the moment that was set by it.

        What has not begun says nothing of the dependency, so a circuit breaker is to ignore it.
        """
        how = "was cut short" if began else "was not begun"
        text = f"{name} {how}: {self.whose} of {self.seconds:g} s is over"
        error = DeadlineExceededError(text, duration=self.seconds, name=name, limit=self.whose)
        error.began = began
        error.hit = (self, at)
        return error

    def caused(self, error: object, at: float) -> OperationTimeoutError | None:
        """Return the error for what took longer than its own limit, if `error` says that something in it was cut by it.

        `at` is the moment up to which it had time.

        To what is in it this limit is one around it, after which there is no use in going on. To its owner it is not.
        """
        if not isinstance(error, DeadlineExceededError) or error.hit != (self, at) or self.final:
            return None
        own = self.exceeded()
        own.__cause__ = error
        return own


def current_mark() -> Mark | None:
    """Return the nearest mark that holds; none does where holdfast is switched off."""
    mark = current.get()
    if mark is not None and is_off():
        return None
    return standing(mark)


def standing(mark: Mark | None) -> Mark | None:
    """Return the mark, or the nearest one around it whose block is not over."""
    while mark is not None and mark[5] is not None and not mark[5].is_open:
        mark = mark[5].outer
    return mark


def left(mark: Mark) -> float:
    """Return the seconds up to the mark; negative behind it."""
    return mark[0] - mark[1]()


def nearest(at: float, read: Callable[[], float], limit: Limit, name: str) -> Mark:
    """Return the nearer of the current mark and that moment; of two at the same moment, the one that is there.

    Raises `DeadlineExceededError` if the current mark has been passed: `name` must not begin.
    """
    outer = current_mark()
    if outer is not None:
        remaining = left(outer)
        if remaining <= 0:
            raise outer[3].cut_short(name, outer[0], began=False)
        if remaining <= at - read():
            return outer
    return (at, read, None, limit, 0, None)
