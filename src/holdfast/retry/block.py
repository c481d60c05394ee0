"""The block form: `for attempt in retrying(...): with attempt: ...`, and the same with `async for`."""

from __future__ import annotations

from .._runtime import threads
from .._runtime.repetition import AT_ONCE
from ..errors import ConfigurationError
from ..typed import TYPE_CHECKING
from .call import RetryCall

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from ..timeout.scope import Scope
    from .policy import RetryPolicy
    from .source import PolicySource


class Retrying:
    """The attempts at a block of code. Each loop over it is a call of its own, so it may be shared and looped again."""

    __slots__ = ("_classifier", "_clock", "_source")

    def __init__(self, source: PolicySource, clock: Clock, classifier: ErrorClassifier) -> None:
        self._source = source
        self._clock = clock
        self._classifier = classifier
        if source.is_known():
            _check(source.policy())

    def __iter__(self) -> Attempts:
        run = self._begin()
        if run.state.policy.uses_workers:
            raise ConfigurationError(
                f"retrying: policy {run.state.policy.name!r} has timeout_mode='thread', but a block cannot be moved to "
                "another thread; decorate a function, or leave the mode out"
            )
        return Attempts(run, asynchronous=False)

    def __aiter__(self) -> Attempts:
        return Attempts(self._begin(), asynchronous=True)

    def _begin(self) -> RetryCall:
        _check(self._source.policy())
        policy = self._source.in_force()
        return RetryCall(f"retrying({policy.name!r})", policy, self._clock, self._classifier)


class Attempts:
    """The iterator of one loop: waits between attempts, ends after a success or an error that is not retried."""

    __slots__ = ("_asynchronous", "_attempt", "_delay", "_run")

    def __init__(self, run: RetryCall, *, asynchronous: bool) -> None:
        self._run = run
        self._asynchronous = asynchronous
        self._attempt: Attempt | None = None
        self._delay: float | None = AT_ONCE

    def __iter__(self) -> Attempts:
        return self

    def __aiter__(self) -> Attempts:
        return self

    def __next__(self) -> Attempt:
        delay = self._pause()
        if delay is None:
            raise StopIteration
        if delay > 0:
            try:
                threads.wait(self._run, delay)
            except BaseException:
                self._run.forget()
                raise
        return self._next()

    async def __anext__(self) -> Attempt:
        delay = self._pause()
        if delay is None:
            raise StopAsyncIteration
        if delay >= 0:
            try:
                await self._run.clock.sleep_async(delay)
            except BaseException:
                self._run.forget()
                raise
        return self._next()

    def _pause(self) -> float | None:
        """Return the seconds to wait before the next attempt, or None if there is none."""
        if self._attempt is not None:
            if not self._attempt.over:
                raise RuntimeError(
                    "retrying: the body of the loop did not run `with attempt:`, so nothing was guarded; write\n"
                    "    for attempt in retrying(...):\n        with attempt:\n            ..."
                )
            self._delay, self._attempt = self._attempt.delay, None
        return self._delay

    def _next(self) -> Attempt:
        if not self._run.begin():
            self._delay = None  # asked once more, the loop is simply over
            try:
                self._run.conclude()
            except (StopIteration, StopAsyncIteration) as error:
                # Raised from an iterator, these would end the loop as if it had succeeded.
                raise RuntimeError(f"the block raised {type(error).__name__}") from error
        self._attempt = Attempt(self._run, asynchronous=self._asynchronous)
        return self._attempt


class Attempt:
    """One attempt: a context manager, for `with` or `async with`, that holds back an error if there will be another.

    `number` counts from 1.
    """

    __slots__ = ("_asynchronous", "_entered", "_run", "_scope", "delay", "number", "over")

    def __init__(self, run: RetryCall, *, asynchronous: bool) -> None:
        self._run = run
        self._asynchronous = asynchronous
        self._scope: Scope | None = None
        self._entered = False
        self.number = run.state.attempts
        self.over = False
        self.delay: float | None = None

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("retrying: an attempt is entered once; the loop gives a new one each time")
        self._entered = True
        scope = self._run.scope(is_block=True)
        if scope is not None:
            self.over = True  # if there is no time left, nothing was guarded
            if self._asynchronous:
                scope.open_cutting()
            else:
                scope.open()
            self.over = False
            self._scope = scope
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self.over = True
        scope, self._scope = self._scope, None
        failure: BaseException | None = None
        try:
            if scope is not None:
                failure = scope.close(error)
                if failure is None and error is None and self._asynchronous:
                    failure = scope.late()
            if failure is None:
                return self._hold_back(error)
            if self._hold_back(failure):
                return True
            raise failure
        finally:
            del failure, error

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            return self.__exit__(kind, error, traceback)
        finally:
            del error

    def _hold_back(self, error: BaseException | None) -> bool:
        """Whether another attempt follows; if none does, let go of all that would lead back to an error."""
        try:
            self.delay = self._run.failed(error) if isinstance(error, Exception) else None
        finally:
            del error
            if self.delay is None:
                self._run.forget()
        return self.delay is not None


def _check(policy: RetryPolicy) -> None:
    if policy.retry_on_result is not None or policy.classify_results:
        field = "classify_results" if policy.retry_on_result is None else "retry_on_result"
        raise ConfigurationError(
            f"retrying: policy {policy.name!r} has {field}, but a block has no result to judge; "
            "raise an exception in the block instead, or decorate a function"
        )
