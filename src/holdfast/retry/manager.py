"""Calls with retries, for those who would rather call than decorate."""

from __future__ import annotations

from .._runtime import aio, threads
from .._runtime.callables import check_guardable, guarded
from .._runtime.repetition import AT_ONCE
from .._runtime.system import as_clock
from ..errors import ConfigurationError, get_error_classifier
from ..functions import is_async, name_of
from ..settings import refuse_class, shown
from ..typed import TYPE_CHECKING, overload
from .block import Retrying
from .call import RetryCall
from .guard import guard
from .source import PolicySource

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any, ParamSpec, TypeVar, Unpack

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from .context import RetryResult
    from .policy import RetryFields, RetryPolicy

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")


class RetryManager:
    """Calls operations under a retry policy; safe to share between threads, tasks and event loops.

    * `policy`: the policy where a call names none; a `RetryPolicy` or a name. Default "default".
    * `clock`: time, sleep and randomness; default the real ones.
    * `classifier`: judges errors; default the process-wide one.

    An operation is called without arguments: use a lambda or `functools.partial`. If it is async, or returns an
    awaitable, the methods return an awaitable; else they return at once.

    >>> manager = RetryManager("network")
    >>> result = manager.execute(lambda: 42)
    >>> result.success, result.value, result.context.attempt
    (True, 42, 1)

    Raises `ConfigurationError` if `policy` is neither a name nor a policy, or the clock or classifier cannot be one.
    """

    def __init__(
        self,
        policy: str | RetryPolicy | None = None,
        *,
        clock: Clock | None = None,
        classifier: ErrorClassifier | None = None,
        **overrides: Unpack[RetryFields],
    ) -> None:
        self._source = PolicySource(policy, overrides)
        self.clock = as_clock(clock)
        self.classifier = as_classifier(classifier)

    @overload
    def execute(  # type: ignore[overload-overlap]
        self,
        operation: Callable[[], Awaitable[T]],
        policy: str | RetryPolicy | None = None,
        **overrides: Unpack[RetryFields],
    ) -> Coroutine[Any, Any, RetryResult[T]]: ...
    @overload
    def execute(
        self, operation: Callable[[], T], policy: str | RetryPolicy | None = None, **overrides: Unpack[RetryFields]
    ) -> RetryResult[T]: ...
    def execute(
        self,
        operation: Callable[[], Any],
        policy: str | RetryPolicy | None = None,
        **overrides: Unpack[RetryFields],
    ) -> Any:
        """Call `operation` and return a `RetryResult`, whether it succeeded or failed.

        Only what must never be held back is raised: cancellation, `KeyboardInterrupt`, `SystemExit`. Raises
        `UnknownPolicyError` or `ConfigurationError` for a wrong policy, `TypeError` for what cannot be called.
        """
        return self._run(operation, policy, overrides, RetryCall.result)

    @overload
    def execute_or_raise(
        self,
        operation: Callable[[], Coroutine[Any, Any, T]],
        policy: str | RetryPolicy | None = None,
        **overrides: Unpack[RetryFields],
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute_or_raise(
        self, operation: Callable[[], T], policy: str | RetryPolicy | None = None, **overrides: Unpack[RetryFields]
    ) -> T: ...
    def execute_or_raise(
        self,
        operation: Callable[[], Any],
        policy: str | RetryPolicy | None = None,
        **overrides: Unpack[RetryFields],
    ) -> Any:
        """Call `operation` and return its value, or raise its own last exception.

        >>> RetryManager().execute_or_raise(lambda: "fine")
        'fine'
        """
        return self._run(operation, policy, overrides, RetryCall.conclude)

    def protect(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` guarded by this manager's policy; works as a decorator.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called.
        """
        result: Callable[P, R] = guarded(
            function, "retry", lambda inner: guard(inner, self._source, self.clock, self.classifier)
        )
        return result

    def retrying(self, policy: str | RetryPolicy | None = None, **overrides: Unpack[RetryFields]) -> Retrying:
        """Return the attempts of a block; see `holdfast.retrying`."""
        return Retrying(self._source.derive(policy, overrides), self.clock, self.classifier)

    def _run(
        self,
        operation: Callable[[], Any],
        policy: str | RetryPolicy | None,
        overrides: RetryFields,
        end: Callable[[RetryCall], Any],
    ) -> Any:
        check_guardable(operation, "RetryManager")
        source = self._source.derive(policy, overrides)
        source.policy()  # an unknown name is an error now, not when an async operation is awaited

        def begin() -> RetryCall:
            return RetryCall(name_of(operation), source.in_force(), self.clock, self.classifier, wall=self.clock.time())

        if is_async(operation):
            return _ended_async(begin, operation, end)
        run = begin()
        pending = threads.repeat(run, operation, AT_ONCE)
        return end(run) if pending is None else _ended(run, pending, operation, end)


async def _ended_async(
    begin: Callable[[], RetryCall], operation: Callable[[], Any], end: Callable[[RetryCall], Any]
) -> Any:
    run = begin()
    await aio.repeat(run, operation, AT_ONCE)
    return end(run)


async def _ended(
    run: RetryCall, pending: Awaitable[Any], operation: Callable[[], Any], end: Callable[[RetryCall], Any]
) -> Any:
    await aio.resume(run, pending, operation)
    return end(run)


def as_classifier(classifier: ErrorClassifier | None) -> ErrorClassifier:
    """Return the classifier, the process-wide one if none is given; raise `ConfigurationError` if it cannot be one."""
    if classifier is None:
        return get_error_classifier()
    refuse_class("classifier", classifier)
    if not callable(getattr(classifier, "classify", None)):
        raise ConfigurationError(f"classifier must have a method classify(error), {shown(classifier)} has none")
    return classifier


def retrying(
    policy: str | RetryPolicy | None = None,
    *,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
    **overrides: Unpack[RetryFields],
) -> Retrying:
    """Retry a block of code that is no function.

    Write `for attempt in retrying("mcp"): with attempt: ...`, or `async for` in async code. The block runs until it
    succeeds or the policy has had enough; then its own last exception comes out.

    >>> for attempt in retrying("network"):
    ...     with attempt:
    ...         print("attempt", attempt.number)
    attempt 1

    Raises `UnknownPolicyError` when the loop begins if no policy of that name is known, `ConfigurationError` for
    settings that cannot work, `retry_on_result` among them: a block has no result.
    """
    return Retrying(PolicySource(policy, overrides), as_clock(clock), as_classifier(classifier))


_manager = RetryManager()


@overload
def execute_with_retry(
    operation: Callable[[], Coroutine[Any, Any, T]],
    policy: str | RetryPolicy | None = None,
    **overrides: Unpack[RetryFields],
) -> Coroutine[Any, Any, T]: ...
@overload
def execute_with_retry(
    operation: Callable[[], T], policy: str | RetryPolicy | None = None, **overrides: Unpack[RetryFields]
) -> T: ...
def execute_with_retry(
    operation: Callable[[], Any], policy: str | RetryPolicy | None = None, **overrides: Unpack[RetryFields]
) -> Any:
    """Call `operation` under a policy and return its value, or raise its own last exception.

    The same as `RetryManager().execute_or_raise`.

    >>> execute_with_retry(lambda: 2 + 2, "network", max_attempts=2)
    4
    """
    return _manager.execute_or_raise(operation, policy, **overrides)
