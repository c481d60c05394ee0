"""The permit of one call that was let in, for those who do not hand the call over as a function."""

from __future__ import annotations

from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Protocol, Self

    from .._runtime.queueing import Stopwatch
    from ..clock import Clock
    from ..errors import ErrorClassifier
    from ..timeout.guard import TimeGuard
    from .config import CircuitBreakerConfig
    from .state import Closed, Permit

    class Breaker(Protocol):
        """What guards and permits ask of the breaker, and tell it."""

        quiet: Closed | None
        calm: Closed | None
        classifier: ErrorClassifier
        clock: Clock
        monotonic: Callable[[], float]
        settings: CircuitBreakerConfig
        name: str
        time_guard: tuple[CircuitBreakerConfig, TimeGuard] | None
        timed: bool

        def admit(self) -> Permit | None:
            """Return a permit, or raise `CircuitOpenError`."""
            ...

        def ended(self, permit: Permit | None, error: BaseException | None, watch: Stopwatch | None = None) -> None:
            """A call that was let in has ended."""
            ...

        def tallied_late(self, phase: Closed, number: int) -> None:
            """A success was tallied in a phase that may be over."""
            ...


class CircuitPermit:
    """One call that was let in; ends by itself at the end of a `with` block, or by one of its methods, once.

    One that is dropped before it has ended is abandoned.
    """

    __slots__ = ("_breaker", "_entered", "_over", "_permit", "_watch")

    def __init__(self, breaker: Breaker, permit: Permit | None, watch: Stopwatch | None) -> None:
        self._over = False
        self._entered = False
        self._breaker = breaker
        self._permit = permit
        self._watch = watch

    @classmethod
    def untold(cls, breaker: Breaker) -> Self:
        """Return a permit for a call that is not to be guarded: the breaker is told nothing of it."""
        permit = cls(breaker, None, None)
        permit._over = True
        return permit

    def succeed(self) -> None:
        """The call went well."""
        self.end(None)

    def fail(self, error: BaseException) -> None:
        """The call failed with `error`, which the breaker judges as if the call had raised it.

        Raises `TypeError` if that is no exception.
        """
        told: object = error
        if not isinstance(told, BaseException):
            raise TypeError(f"fail() takes the exception that the call ended with, not {shown(told)}")
        self.end(error)

    def abandon(self) -> None:
        """The call says nothing of the dependency; give its place back."""
        self.end(GeneratorExit())

    def end(self, error: BaseException | None) -> None:
        """The call has ended, with `error` if that is not None."""
        if not self._over:
            self._over = True
            self._breaker.ended(self._permit, error, self._watch)

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("this permit of a circuit breaker was entered already; acquire one for each call")
        self._entered = True
        if self._watch is not None:
            self._watch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.__exit__(kind, error, traceback)
        self.end(error)

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self.abandon()
