"""The guarded form of a function: while the circuit is closed, a success is tallied without a lock, and that is all.

The few lines that tally stand in both wrappers, because a call would cost as much as all that they do.
"""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any, Protocol

from .._runtime.callables import dress, is_awaitable
from ..errors import CircuitOpenError
from ..functions import is_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..clock import Clock
    from .config import CircuitBreakerConfig
    from .state import Closed, Permit

    class Breaker(Protocol):
        """What a guard asks of the breaker, and tells it."""

        quiet: Closed | None
        clock: Clock
        config: CircuitBreakerConfig

        def admit(self) -> Permit | None:
            """Return a permit, or raise `CircuitOpenError`."""
            ...

        def ended(self, permit: Permit | None, error: BaseException | None, started: float | None = None) -> None:
            """A call that was let in has ended."""
            ...

        def tallied_late(self, phase: Closed, number: int) -> None:
            """A success was tallied in a phase that may be over."""
            ...


_TYPES_KEPT = 16


def run(breaker: Breaker, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make one call of a plain function with everything that any config may ask for."""
    fallback = breaker.config.fallback
    try:
        permit = breaker.admit()
    except CircuitOpenError:
        if fallback is None:
            raise
        return fallback()
    started = _started(breaker)
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        breaker.ended(permit, error, started)
        raise
    if is_awaitable(result):
        return _awaited(breaker, permit, result, started)
    breaker.ended(permit, None, started)
    return result


async def run_async(
    breaker: Breaker, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same for an async function."""
    fallback = breaker.config.fallback
    try:
        permit = breaker.admit()
    except CircuitOpenError:
        if fallback is None:
            raise
        answer = fallback()
        return await answer if is_awaitable(answer) else answer
    return await _awaited(breaker, permit, function(*args, **kwargs), _started(breaker))


async def _awaited(breaker: Breaker, permit: Permit | None, pending: Awaitable[Any], started: float | None) -> Any:
    try:
        result = await pending
    except BaseException as error:
        breaker.ended(permit, error, started)
        raise
    breaker.ended(permit, None, started)
    return result


def _started(breaker: Breaker) -> float | None:
    return None if breaker.config.slow_call_duration_threshold is None else breaker.clock.monotonic()


def wrap(breaker: Breaker, function: Callable[..., Any]) -> Any:
    """Return `function` guarded by the breaker, with its looks kept."""
    return dress((_wrap_async if is_async(function) else _wrap_plain)(breaker, function), function)


def _wrap_plain(breaker: Breaker, function: Callable[..., Any]) -> Any:
    monotonic = breaker.clock.monotonic
    # Types of results that were seen to be just results; as in retry's guard.
    plain: type | None = None
    plains: dict[int, type] = {}

    def settle(phase: Closed, result: Any) -> Any:
        """Look at a result of a type that is not known to be plain."""
        nonlocal plain
        if is_awaitable(result):
            return _awaited(breaker, phase, result, None)
        kind = type(result)
        if kind is not GeneratorType and len(plains) < _TYPES_KEPT:
            plains[id(kind)] = kind
            plain = plain or kind
        breaker.ended(phase, None)
        return result

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        phase = breaker.quiet
        if phase is None:
            return run(breaker, function, args, kwargs)
        try:
            result = function(*args, **kwargs) if kwargs else function(*args)
        except BaseException as error:
            breaker.ended(phase, error)
            raise
        if type(result) is not plain and id(type(result)) not in plains:
            return settle(phase, result)
        now = monotonic()
        if now >= phase.quiet_until:
            breaker.ended(phase, None)
            return result
        number = next(phase.tally)
        phase.last_success = now
        if breaker.quiet is not phase:
            breaker.tallied_late(phase, number)
        return result

    return wrapper


def _wrap_async(breaker: Breaker, function: Callable[..., Any]) -> Any:
    monotonic = breaker.clock.monotonic

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        phase = breaker.quiet
        if phase is None:
            return await run_async(breaker, function, args, kwargs)
        try:
            result = await (function(*args, **kwargs) if kwargs else function(*args))
        except BaseException as error:
            breaker.ended(phase, error)
            raise
        now = monotonic()
        if now >= phase.quiet_until:
            breaker.ended(phase, None)
            return result
        number = next(phase.tally)
        phase.last_success = now
        if breaker.quiet is not phase:
            breaker.tallied_late(phase, number)
        return result

    return wrapper
