"""The guarded form of a function: what may pass was paid for in advance, so a quiet call takes no lock.

It takes a token, reads the clock, and notes the time. Every so many calls the slow path counts what was noted and mints
new tokens. Whatever else is to be done, for those who wait or listen, is done by `run` and `run_async` as well.
"""

from __future__ import annotations

from .._runtime.tailor import Template, tailor
from ..functions import is_async
from ..journal import report_broken
from ..settings import optional_callable, whole_number
from ..switch import is_off
from ..typed import TYPE_CHECKING
from .till import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, TypeAlias

    from ..registry import Binding
    from .line import Line

    class Limiter(Protocol):
        """What a guard asks of the rate limiter."""

        line: Line

        def pass_through(self, cost: int, *, mint: bool = False) -> None:
            """Return when the call may begin, waiting in this thread."""
            ...

        async def pass_through_async(self, cost: int, *, mint: bool = False) -> None:
            """Return when the call may begin, suspending this task."""
            ...

        def checked_cost(self, cost: Any) -> int:
            """Return the cost if it can be paid at all."""
            ...

    Cost: TypeAlias = int | Callable[..., int]

_QUIET = Template(
    "rate limiter",
    "binding, run, token",
    """
limiter = binding.now
if limiter is not None and not (line := limiter.line).busy:
    free = line.free
    try:
        del free[-1]
    except IndexError:
        pass
    else:
        read = line.read
        try:
            now = read()
        except BaseException:
            free += token
            raise
        try:
            line.log.append(now)
        except RecursionError:  # a call needs room on the stack; nothing was noted, so the token is as good as new
            free += token
            raise
        return AWAIT CALL(function)
return AWAIT run(binding.now or binding.bind(), function, ARGS, KWARGS)
""",
)

_COSTLY = Template(
    "rate limiter",
    "binding, run, cost",
    "return AWAIT run(binding.now or binding.bind(), function, ARGS, KWARGS, cost)",
)

_EACH = Template(
    "rate limiter", "find, run, cost", "return AWAIT run(find(ARGS, KWARGS), function, ARGS, KWARGS, cost)"
)


def wrap(binding: Binding[Limiter], function: Callable[..., Any], cost: Cost = 1) -> Any:
    """Return `function` guarded by the limiter that is bound, with its looks kept."""
    runner = run_async if is_async(function) else run
    if cost == 1:
        return tailor(_QUIET, function, binding=binding, run=runner, token=TOKEN)
    return tailor(_COSTLY, function, as_called=True, binding=binding, run=runner, cost=cost)


def wrap_each(
    find: Callable[[tuple[Any, ...], dict[str, Any]], Limiter], function: Callable[..., Any], cost: Cost = 1
) -> Any:
    """Return `function` guarded, each call by the limiter that `find` names for its arguments."""
    runner = run_async if is_async(function) else run
    return tailor(_EACH, function, as_called=True, find=find, run=runner, cost=cost)


def run(
    limiter: Limiter,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    cost: Cost | None = None,
) -> Any:
    """Make one call of a plain function, waiting and telling as need be."""
    if not is_off():
        limiter.pass_through(1 if cost is None else price(limiter, cost, args, kwargs), mint=cost is None)
    return function(*args, **kwargs)


async def run_async(
    limiter: Limiter,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    cost: Cost | None = None,
) -> Any:
    """Do the same for an async function."""
    if not is_off():
        await limiter.pass_through_async(1 if cost is None else price(limiter, cost, args, kwargs), mint=cost is None)
    return await function(*args, **kwargs)


def checked(owner: str, cost: Any) -> Any:
    """Return what was given as a cost if it can be one: a whole number, or a plain function."""
    if callable(cost):
        return optional_callable(owner, "cost", cost, "of the call's arguments")
    return whole_number(owner, "cost", cost)


def price(limiter: Limiter, cost: Cost, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Return what a call costs; 1 if the function that is to say so raises, which is logged."""
    if not callable(cost):
        return limiter.checked_cost(cost)
    try:
        asked = cost(*args, **kwargs)
    except Exception:
        report_broken("rate_limit", "the cost function", cost, so=", so the call costs 1")
        return 1
    return limiter.checked_cost(asked)
