"""The permit of one call that was let in, for those who do not hand the call over as a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from .guard import Breaker
    from .state import Permit


class CircuitPermit:
    """One call that was let in; ends by itself at the end of a `with` block, or by one of its methods, once."""

    __slots__ = ("_breaker", "_over", "_permit", "_watch")

    def __init__(self, breaker: Breaker, permit: Permit | None) -> None:
        self._breaker = breaker
        self._permit = permit
        self._over = False
        from .._runtime.queueing import Stopwatch

        self._watch = Stopwatch(breaker.clock.monotonic())

    def succeed(self) -> None:
        """The call went well."""
        self._end(None)

    def fail(self, error: Exception) -> None:
        """The call failed with `error`, which the breaker judges as if the call had raised it."""
        self._end(error)

    def abandon(self) -> None:
        """The call says nothing of the dependency; give its place back."""
        self._end(GeneratorExit())

    def _end(self, error: BaseException | None) -> None:
        if not self._over:
            self._over = True
            self._breaker.ended(self._permit, error, self._watch)

    def __enter__(self) -> Self:
        self._watch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, traceback)
        self._end(error)
