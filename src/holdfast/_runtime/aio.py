"""The door for async functions, on asyncio, which is imported by the first failure or timeout and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..journal import report_broken
from .callables import is_awaitable
from .repetition import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from types import TracebackType

    from .repetition import Repetition


async def attempt(call: Callable[[], Any]) -> Outcome:
    """Call and await once; an `Exception` becomes part of the outcome, anything else passes, cancellation included."""
    try:
        value = call()
        return Outcome(value=await value if is_awaitable(value) else value)
    except Exception as error:
        return Outcome(error=error)


async def attempt_within(limit: float, call: Callable[[], Any]) -> Outcome:
    """The same, cancelled after `limit` seconds and awaited until it has cleaned up.

    Errors of the call itself leave `attempt` as values, so a `TimeoutError` that arrives here is the timer's.
    """
    import asyncio

    try:
        async with asyncio.timeout(limit):
            return await attempt(call)
    except TimeoutError as timeout:
        return Outcome(error=timeout, expired=True)


class Timer:
    """`asyncio.timeout` for a plain `with`: entering and leaving it never really waits, so it can be driven by hand."""

    __slots__ = ("_timeout",)

    def __init__(self, limit: float) -> None:
        import asyncio

        self._timeout = asyncio.timeout(limit)
        _drive(self._timeout.__aenter__())

    def stop(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Exception | None:
        """End the timer in `__exit__`; return its `TimeoutError` if it was this timer that cancelled the block."""
        try:
            _drive(self._timeout.__aexit__(kind, error, traceback))
        except TimeoutError as timeout:
            return timeout
        return None


def _drive(coroutine: Coroutine[Any, Any, object]) -> None:
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("asyncio.timeout waited where it never did before")


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
    limit = repetition.limit()
    outcome = await (attempt(call) if limit is None else attempt_within(limit, call))
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
