"""The guarded form of a function: a wrapper that does nothing until the function fails.

The success path is the reason for how this file looks. A plain call that succeeds costs the call itself, one look at
the type of its result (it might be an awaitable, which has to be guarded while it is awaited), and nothing else: no
clock, no lock, no object. What a policy wants beyond that is settled when it is bound, not at each call: `call` is the
function itself if there is nothing to do before it fails, else a function that runs the whole repetition.
"""

from __future__ import annotations

from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from .._runtime import aio, threads
from .._runtime.callables import dress, is_awaitable
from .._runtime.repetition import AT_ONCE
from ..functions import is_async, name_of
from .call import RetryCall
from .source import Binding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from .policy import RetryPolicy
    from .source import PolicySource

_TYPES_KEPT = 16


class _Begun:
    """Stands in for a result when a call with a limit on its time did not simply succeed."""

    __slots__ = ("failure", "pending", "started")

    def __init__(self, started: float, failure: Exception | None, pending: Awaitable[Any] | None) -> None:
        self.started = started
        self.failure = failure
        self.pending = pending


class _NotBegun:
    """Stands in for a result when the function has not been called at all."""


_NOT_BEGUN = _NotBegun()


def _not_begun(*_args: object, **_kwargs: object) -> Any:
    """Stands in for the function where its policy wants more than a look at a failure, or is not known (any more)."""
    return _NOT_BEGUN


def guard(function: Callable[..., Any], source: PolicySource, clock: Clock, classifier: ErrorClassifier) -> Any:
    """Return `function` guarded by the source's policy, with its looks kept."""
    make = _guard_async if is_async(function) else _guard_plain
    name = name_of(function)

    def begin(attempts: int = 0, started: float | None = None) -> RetryCall:
        return RetryCall(name, source.policy(), clock, classifier, attempts=attempts, started=started)

    return dress(make(function, source, clock, begin), function)


def _guard_plain(
    function: Callable[..., Any], source: PolicySource, clock: Clock, begin: Callable[..., RetryCall]
) -> Any:
    call: Callable[..., Any] = _not_begun
    bound = False
    # Types of results that were seen to be just results: the first two, which is all that most functions have, and
    # all by their id (which asks nothing of a class, unlike its hash or a comparison), with the types kept alive.
    plain: type | None = None
    other: type | None = None
    plains: dict[int, type] = {}

    def timed(*args: Any, **kwargs: Any) -> Any:
        """Call the function and remember when that was; all that a limit for the whole call needs while it succeeds."""
        started = clock.monotonic()
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            return _Begun(started, error, None)
        return _Begun(started, None, result) if is_awaitable(result) else result

    def decide(policy: RetryPolicy) -> None:
        nonlocal call, bound
        quick = function if policy.total_timeout is None else timed
        call = _not_begun if policy.watches_success else quick
        bound = True

    def forget() -> None:
        nonlocal call, bound
        call = _not_begun
        bound = False

    binding = Binding(source, decide, forget)

    def recover(failure: Exception, started: float | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry on after the first attempt failed."""
        run = begin(attempts=1, started=started)
        try:
            delay = run.failed(failure)
        finally:
            del failure  # a traceback will keep this frame
        return conclude(run, partial(function, *args, **kwargs), delay)

    def settle(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look at a result of a type that is not known to be plain."""
        nonlocal plain, other
        kind = type(result)
        if kind is _NotBegun:
            if not bound:
                binding.bind()
            return conclude(begin(), partial(function, *args, **kwargs), AT_ONCE)
        started = None
        if kind is _Begun:
            started, failure, pending = result.started, result.failure, result.pending
            result.failure = None  # the wrapper's frame still holds the object
            result = pending
            if failure is not None:
                try:
                    return recover(failure, started, args, kwargs)
                finally:
                    del failure
        if is_awaitable(result):
            return _carry_on(begin(attempts=1, started=started), result, partial(function, *args, **kwargs))
        # Some generators can be awaited, so each one is looked at.
        if kind is not GeneratorType and len(plains) < _TYPES_KEPT:
            plains[id(kind)] = kind
            plain, other = (kind, None) if plain is None else (plain, other or kind)
        return result

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            # Most calls have no keywords, and passing on an empty dict costs as much as all the rest of this.
            result = call(*args, **kwargs) if kwargs else call(*args)
        except Exception as error:
            failure = error
        else:
            if (kind := type(result)) is plain or kind is other or id(kind) in plains:
                return result
            return settle(result, args, kwargs)
        try:
            return recover(failure, None, args, kwargs)
        finally:
            del failure

    return wrapper


def conclude(run: RetryCall, call: Callable[[], Any], delay: float | None) -> Any:
    """Make the attempts that are left and return the value or raise the error; or return what does so when awaited."""
    pending = threads.repeat(run, call, delay)
    return run.conclude() if pending is None else _carry_on(run, pending, call)


async def _carry_on(run: RetryCall, pending: Awaitable[Any], call: Callable[[], Any]) -> Any:
    await aio.resume(run, pending, call)
    return run.conclude()


def _guard_async(
    function: Callable[..., Any], source: PolicySource, _clock: Clock, begin: Callable[..., RetryCall]
) -> Any:
    call: Callable[..., Any] | None = None  # the function, if there is nothing to do before it fails
    bound = False

    def decide(policy: RetryPolicy) -> None:
        nonlocal call, bound
        call = None if policy.watches_success or policy.is_timed else function
        bound = True

    def forget() -> None:
        nonlocal call, bound
        call = None
        bound = False

    binding = Binding(source, decide, forget)

    async def whole(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call with everything that any policy may ask for, from the first attempt on."""
        if not bound:
            binding.bind()
        run = begin()
        await aio.repeat(run, partial(function, *args, **kwargs), AT_ONCE)
        return run.conclude()

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        inner = call
        if inner is None:
            return await whole(args, kwargs)
        try:
            return await (inner(*args, **kwargs) if kwargs else inner(*args))
        except Exception as error:
            failure = error
        run = begin(attempts=1)
        try:
            delay = run.failed(failure)
        finally:
            del failure
        await aio.repeat(run, partial(function, *args, **kwargs), delay)
        return run.conclude()

    return wrapper
