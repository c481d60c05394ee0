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
from .._runtime.callables import dress, is_async, is_awaitable, name_of
from .call import RetryCall
from .source import Binding

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from .policy import RetryPolicy
    from .source import PolicySource


_TYPES_KEPT = 4


class _Ended:
    """What stands in for a result when a call was made with the whole machinery; never leaves this file."""

    __slots__ = ("pending", "run")

    def __init__(self, run: RetryCall, pending: Awaitable[None] | None) -> None:
        self.run = run
        self.pending = pending

    def conclude(self) -> Any:
        """Return the value or raise the error: now, or, if there is something to await first, when it was awaited."""
        return self.run.conclude() if self.pending is None else self._conclude_later(self.pending)

    async def _conclude_later(self, pending: Awaitable[None]) -> Any:
        await pending
        return self.run.conclude()


_UNBOUND: Any = object()


def _unbound(*_args: object, **_kwargs: object) -> Any:
    """Stands in for the function while it is not known, or not any more, what its policy wants."""
    return _UNBOUND


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
    call: Callable[..., Any] = _unbound
    # Types of results that were seen to be just results: the first one, which is all that most functions have, and a
    # few more. In a tuple, because looking something up there asks nothing of it (a set would want its hash).
    plain: type | None = None
    plains: tuple[type, ...] = ()

    def whole(*args: Any, **kwargs: Any) -> _Ended:
        """Make the call with everything that any policy may ask for, from the first attempt on."""
        run = begin()
        return _Ended(run, threads.repeat(run, partial(function, *args, **kwargs), 0.0))

    def timed(*args: Any, **kwargs: Any) -> Any:
        """Call the function and remember when that was; all that a limit for the whole call needs while it succeeds."""
        started = clock.monotonic()
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            failure = error
        else:
            if not is_awaitable(result):
                return result
            run = begin(attempts=1, started=started)
            return _Ended(run, aio.resume(run, result, partial(function, *args, **kwargs)))
        run = begin(attempts=1, started=started)
        delay = run.failed(failure)
        del failure
        return _Ended(run, threads.repeat(run, partial(function, *args, **kwargs), delay))

    def decide(policy: RetryPolicy) -> None:
        nonlocal call
        quick = function if policy.total_timeout is None else timed
        call = whole if policy.watches_success else quick

    def forget() -> None:
        nonlocal call
        call = _unbound

    binding = Binding(source, decide, forget)

    def recover(failure: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Carry on after the first attempt failed."""
        run = begin(attempts=1)
        delay = run.failed(failure)
        del failure  # a traceback will keep this frame
        return _Ended(run, threads.repeat(run, partial(function, *args, **kwargs), delay)).conclude()

    def settle(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look at a result of a type not seen just before; most often there is nothing to it."""
        nonlocal plain, plains
        if result is _UNBOUND:
            binding.bind()
            return whole(*args, **kwargs).conclude()
        if type(result) is _Ended:
            return result.conclude()
        if is_awaitable(result):
            run = begin(attempts=1)
            return _Ended(run, aio.resume(run, result, partial(function, *args, **kwargs))).conclude()
        kind = type(result)
        if kind is GeneratorType:
            return result  # some generators can be awaited, so each is looked at
        if plain is None:
            plain = kind
        elif len(plains) < _TYPES_KEPT:
            plains = (*plains, kind)
        return result

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            # Most calls have no keywords, and passing on an empty dict costs as much as all the rest of this.
            result = call(*args, **kwargs) if kwargs else call(*args)
        except Exception as error:
            failure = error
        else:
            if type(result) is plain or type(result) in plains:
                return result
            return settle(result, args, kwargs)
        try:
            return recover(failure, args, kwargs)
        finally:
            del failure

    return wrapper


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
        await aio.repeat(run, partial(function, *args, **kwargs), 0.0)
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
        delay = run.failed(failure)
        del failure
        await aio.repeat(run, partial(function, *args, **kwargs), delay)
        return run.conclude()

    return wrapper
