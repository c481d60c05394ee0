"""The door for async functions, on asyncio, which is imported by the first failure or timeout and not before."""

from __future__ import annotations

from ..journal import report_broken
from ..typed import TYPE_CHECKING
from .callables import is_awaitable
from .repetition import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from .repetition import Repetition, TimeScope


async def attempt(call: Callable[[], Any]) -> Outcome:
    """Call and await once; an `Exception` becomes part of the outcome, anything else passes, cancellation included."""
    try:
        value = call()
        return Outcome(value=await value if is_awaitable(value) else value)
    except Exception as error:
        return Outcome(error=error)


async def attempt_in(scope: TimeScope, call: Callable[[], Any]) -> Outcome:
    """The same in limited time: cancelled when that is up, and awaited until it has cleaned up."""
    try:
        scope.open_cutting()
    except Exception as error:  # no time is left
        return Outcome(error=error)
    try:
        outcome = await attempt(call)
    except BaseException as error:
        failure = scope.close(error)
        if failure is None:
            raise
        return Outcome(error=failure)
    try:
        failure = scope.close(outcome.error)
        if failure is None and outcome.error is None:
            failure = scope.late()
        return outcome if failure is None else Outcome(error=failure)
    finally:
        del outcome  # as in `threads.repeat`


async def repeat(repetition: Repetition, call: Callable[[], Any], delay: float | None) -> None:
    """Make attempts, `delay` seconds from now, until `repetition` has had enough."""
    try:
        while delay is not None:
            if delay >= 0:
                await repetition.clock.sleep_async(delay)
            if not repetition.begin():
                break
            await release(repetition.discarded())
            delay = await _one_more(repetition, call)
    except BaseException:
        repetition.forget()
        raise


async def resume(repetition: Repetition, pending: Awaitable[Any], call: Callable[[], Any]) -> None:
    """Go on with an attempt whose plain function returned `pending`, something to await."""
    try:
        delay = await _one_more(repetition, lambda: pending)
    except BaseException:
        repetition.forget()
        raise
    await repeat(repetition, call, delay)


async def _one_more(repetition: Repetition, call: Callable[[], Any]) -> float | None:
    """Make the attempt that has begun, and return what `repetition` says to its outcome."""
    scope = repetition.scope()
    outcome = await (attempt(call) if scope is None else attempt_in(scope, call))
    try:
        return repetition.ended(outcome)
    finally:
        del outcome  # as in `threads.repeat`: this frame may outlive the call in the error's traceback


async def release(value: object) -> None:
    """Close a result that nobody will see, by `aclose()` or `close()` if it has one; an error in that is logged."""
    close = getattr(value, "aclose", None) or getattr(value, "close", None)
    if callable(close):
        try:
            closing = close()
            if is_awaitable(closing):
                await closing
        except Exception:
            report_broken("retry", "closing a discarded result:", close)
