"""The quick way of a plain function with a limit that stays in its caller's thread: a mark in the context, no more."""

from __future__ import annotations

import sys
from time import monotonic

from .._runtime.callables import is_awaitable
from .._runtime.system import SystemClock
from .._runtime.tailor import PlainTypes, Template, tailor
from ..contexts import START, phases
from ..typed import TYPE_CHECKING
from .marks import current, note_leaves_work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from ..clock import Clock
    from ..errors import OperationTimeoutError
    from ..registry import Binding
    from .config import TimeoutConfig
    from .marks import Limit, Mark

    class Guard(Protocol):
        """What is asked of the guard whose limit it is."""

        clock: Clock

        def bound(self) -> tuple[TimeoutConfig, Limit]:
            """Return what is set now."""
            ...

        def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            """Make one call with everything that may be asked for."""
            ...

        def answer(self, config: TimeoutConfig, error: OperationTimeoutError, *, left_behind: bool) -> Any:
            """Answer for a call that took too long."""
            ...

        def awaited(  # noqa: PLR0917
            self,
            config: TimeoutConfig,
            limit: Limit,
            at: float,
            read: Callable[[], float],
            mark: Mark,
            pending: Awaitable[Any],
        ) -> Any:
            """Return what awaits what the function returned, with what is left of the time."""
            ...


# Later versions of CPython do not collect in the midst of others; see `contexts`.
_PHASE, _OR_WITHIN_THE_COLLECTOR = (
    ("\n_, phase = phases", f" or phase == {START!r}") if sys.version_info < (3, 12) else ("", "")
)

_QUIET = Template(
    "timeout",
    "binding, mark, set_mark, monotonic, run, ended, settle, plain, phases",
    f"""
here = binding.now{_PHASE}
if here is None{_OR_WITHIN_THE_COLLECTOR}:
    return run(function, ARGS, KWARGS)
at = monotonic() + here.seconds
outer = mark()
if outer is not None and (outer[1] is not monotonic or outer[0] <= at):
    return run(function, ARGS, KWARGS)
own = (at, monotonic, None, here.limit, 0, None)
try:
    set_mark(own)
    result = CALL(function)
except Exception as error:
    set_mark(outer)
    if (failure := here.limit.caused(error, at)) is None:
        raise
    try:
        return ended(here, failure)
    finally:
        del failure
finally:
    set_mark(outer)
if type(result) is not plain.first:
    if type(result) is not plain.second and id(type(result)) not in plain.by_id:
        return settle(here, own, result)
return result
""",
)


class Place:
    """What the calls of one function need while it is to stay in its caller's thread."""

    __slots__ = ("config", "limit", "seconds")

    def __init__(self, config: TimeoutConfig, limit: Limit) -> None:
        self.config = config
        self.limit = limit
        self.seconds = limit.seconds


def wrap_plain(
    function: Callable[..., Any],
    guard: Guard,
    bind: Callable[[Callable[[], Any]], Binding[Any]],
    *,
    is_settled: bool,
) -> Any:
    """Return a plain function guarded, with its looks kept; what is to run in a worker takes the long way.

    `is_settled`: what is set now stays.
    """
    plain = PlainTypes()

    def find() -> Place | None:
        config, limit = guard.bound()
        return Place(config, limit) if config.mode == "cooperative" and isinstance(guard.clock, SystemClock) else None

    binding: Binding[Place | None] = bind(find)

    def run(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        binding.bind()
        return guard.run(function, args, kwargs)

    def ended(here: Place, failure: OperationTimeoutError) -> Any:
        try:
            return guard.answer(here.config, failure, left_behind=False)
        finally:
            del failure

    def settle(here: Place, own: Mark, result: Any) -> Any:
        """Look at a result of a type that is not known to be plain."""
        if is_awaitable(result):
            return guard.awaited(here.config, here.limit, own[0], monotonic, own, result)
        plain.learn(result)
        return result

    wrapper = tailor(
        _QUIET,
        function,
        binding=binding,
        mark=current.get,
        set_mark=current.set,
        monotonic=monotonic,
        run=run,
        ended=ended,
        settle=settle,
        plain=plain,
        phases=phases,
    )
    if not is_settled or guard.bound()[0].mode == "thread":
        note_leaves_work(wrapper)
    return wrapper
