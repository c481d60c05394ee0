"""A moment by which something has to be done, in a form to look at, to hand on, and to send to another process."""

from __future__ import annotations

from .._runtime.system import as_clock
from ..contexts import collecting
from ..functions import is_async, name_of
from ..settings import seconds as as_seconds, text
from ..typed import TYPE_CHECKING, overload
from .marks import Limit, current, current_mark, left, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import NoReturn, ParamSpec, Self, TypeVar

    from ..clock import Clock
    from ..errors import DeadlineExceededError
    from .marks import Mark

    P = ParamSpec("P")
    R = TypeVar("R")

_LONGEST_HEADER = 19
"""Digits: more than any clock counts."""


class Deadline:
    """A moment by which something has to be done, `seconds` from now.

    * `seconds`: a number or a `timedelta`; zero is a deadline that is over.
    * `name`: for errors. `clock`: default the real one.

    It holds nobody to it by itself: a `with deadline(...)` block does. It may be handed to other threads and tasks.

    >>> deadline = Deadline(5, name="request")
    >>> 4.9 < deadline.remaining() <= 5, deadline.expired
    (True, False)

    Raises `ConfigurationError` for what is no duration.
    """

    __slots__ = ("_at", "_limit", "_read")

    def __init__(self, seconds: float | timedelta, *, name: str = "", clock: Clock | None = None) -> None:
        self._limit = named_limit("Deadline", seconds, name, zero=True)
        self._read = as_clock(clock).monotonic
        self._at = self._read() + self._limit.seconds

    @classmethod
    def _of(cls, at: float, read: Callable[[], float], limit: Limit) -> Self:
        made = cls.__new__(cls)
        made._at, made._read, made._limit = at, read, limit  # noqa: SLF001  the object's own
        return made

    @property
    def seconds(self) -> float:
        """How long it was in all."""
        return self._limit.seconds

    @property
    def told(self) -> Limit:
        """The limit as guards hand it on."""
        return self._limit

    @property
    def limit(self) -> str:
        """Whose limit it is, as "the deadline 'request'" or "the timeout of fetch"."""
        return self._limit.whose

    def remaining(self) -> float:
        """Return the seconds that are left; 0.0 when it is over."""
        return max(0.0, self._at - self._read())

    @property
    def expired(self) -> bool:
        """Whether it is over."""
        return self._at <= self._read()

    def check(self, name: str = "the operation") -> None:
        """Raise `DeadlineExceededError` if it is over; for long work that looks at it from time to time."""
        if self.expired:
            raise self.over(name, began=True)

    def over(self, name: str, *, began: bool) -> DeadlineExceededError:
        """Return the error for `name`, which this deadline cut short or kept from beginning."""
        return self._limit.cut_short(name, self._at, began=began)

    def narrow(self, seconds: float | timedelta, *, name: str = "") -> Deadline:
        """Return a deadline `seconds` from now, or this one if that is nearer; a deadline never gets longer.

        >>> Deadline(5).narrow(60).seconds
        5.0
        """
        limit = named_limit("Deadline", seconds, name, zero=True)
        at = self._read() + limit.seconds
        return self if at >= self._at else Deadline._of(at, self._read, limit)

    def to_header(self) -> str:
        """Return the milliseconds that are left, for a header of a request; the receiver's clock need not agree.

        >>> Deadline(0).to_header()
        '0'
        """
        return str(int(self.remaining() * 1000))

    @classmethod
    def from_header(cls, value: object, *, name: str = "", clock: Clock | None = None) -> Deadline | None:
        """Return the deadline in a header that `to_header` made, or None if there is none in it.

        What another process sends is not to be relied on: anything but a whole number of milliseconds is ignored. One
        that is negative is over.

        >>> Deadline.from_header("1500", name="caller").seconds
        1.5
        >>> Deadline.from_header("soon") is None
        True
        """
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_LONGEST_HEADER:
            value = str(value)
        digits = value.strip() if isinstance(value, str) else ""
        sign, digits = ("-", digits[1:]) if digits[:1] == "-" else ("", digits)
        if not (digits.isascii() and digits.isdigit()) or len(digits) > _LONGEST_HEADER:
            return None
        return Deadline(0.0 if sign else int(digits) / 1000, name=name, clock=clock)

    def carry(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return a function that does the same under this deadline, to be called in another thread.

        >>> Deadline(5, name="request").carry(lambda: current_deadline().seconds)()
        5.0

        (`asyncio.to_thread` and `contextvars.copy_context().run` take all of the context along, deadline included.)

        Raises `TypeError` for an async function. The call raises `DeadlineExceededError` if the deadline is over.
        """
        if is_async(function):
            raise TypeError(
                f"carry() is for plain functions in other threads, not for {name_of(function)}: tasks inherit the "
                "deadline, so give it to a task as it is"
            )

        def carried(*args: P.args, **kwargs: P.kwargs) -> R:
            if self.expired:
                raise self.over(name_of(function), began=False)
            if collecting():
                return function(*args, **kwargs)
            outer = current.get()
            try:
                current.set(nearest(self._at, self._read, self._limit, name_of(function)))
                return function(*args, **kwargs)
            finally:
                current.set(outer)

        return carried

    def __reduce__(self) -> NoReturn:
        raise TypeError("a deadline is a moment on this machine's clock; send to_header() to another process")

    def __repr__(self) -> str:
        return f"Deadline({self.limit}: {self.remaining():.3g} of {self.seconds:g} s left)"


def named_limit(owner: str, seconds: float | timedelta, name: str, *, zero: bool = False) -> Limit:
    """Return the limit of a deadline; refuse what is no duration and no name."""
    what = f"deadline {text(owner, 'name', name)!r}" if name else "deadline"
    return Limit(as_seconds(owner, "seconds", seconds, zero=zero), what, final=True)


def deadline_of(mark: Mark) -> Deadline:
    """Return the deadline that a mark stands for."""
    return Deadline._of(mark[0], mark[1], mark[3])  # noqa: SLF001


def current_deadline() -> Deadline | None:
    """Return the nearest deadline that the running code is under, or None if it is under none.

    Timeouts count, as do the limits of retries, breakers and policies.

    >>> current_deadline() is None
    True
    """
    mark = current_mark()
    return None if mark is None else deadline_of(mark)


@overload
def time_left(at_most: float | timedelta) -> float: ...
@overload
def time_left(at_most: None = None) -> float | None: ...
def time_left(at_most: float | timedelta | None = None) -> float | None:
    """Return how many seconds a client may take now: what the current deadline leaves, and not more than `at_most`.

    This is what to give a client as its own timeout. Without a deadline it is `at_most`. It is never zero, which
    clients read in very different ways.

    >>> time_left(10)
    10.0

    Raises `DeadlineExceededError` if the deadline is over, `ConfigurationError` for an `at_most` that is no duration.
    """
    limit = None if at_most is None else as_seconds("time_left", "at_most", at_most, zero=False)
    mark = current_mark()
    if mark is None:
        return limit
    remaining = left(mark)
    if remaining <= 0:
        raise mark[3].cut_short("the operation", mark[0], began=True)
    return remaining if limit is None else min(limit, remaining)
