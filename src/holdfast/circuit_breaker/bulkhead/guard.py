"""The guarded form of a function: a permit is taken and put back without a lock while there are any and nobody waits.

Two single operations on the tokens and a count are all that a quiet call costs beyond a bare wrapper. Whatever else is
to be done, for those who wait or listen, is done by `run` and `run_async`.
"""

from __future__ import annotations

from ..._runtime.callables import is_awaitable
from ..._runtime.tailor import PlainTypes, Template, tailor
from ...contexts import START, phases
from ...functions import is_async
from ...switch import is_off
from ...timeout.marks import leaves_work
from ...typed import TYPE_CHECKING
from .queue import HELD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from ..._runtime.leftovers import Hold
    from ...registry import Binding
    from .config import BulkheadConfig
    from .permit import BulkheadPermit
    from .queue import Line

    class Permits(Protocol):
        """What a guard asks of the bulkhead."""

        settings: BulkheadConfig
        line: Line

        def wait(self, timeout: float | None) -> BulkheadPermit:
            """Return a permit, waiting in this thread."""
            ...

        async def wait_async(self, timeout: float | None) -> BulkheadPermit:  # noqa: ASYNC109
            """Return a permit, suspending this task."""
            ...

        def adopt(self) -> BulkheadPermit:
            """Return a permit that owns nothing yet, for a call that took its token itself."""
            ...


_QUIET = Template(
    "bulkhead",
    "binding, run, settle, plain",
    """
bulkhead = binding.now
if bulkhead is None or (line := bulkhead.line).busy:
    return AWAIT run(binding.now or binding.bind(), function, ARGS, KWARGS)               #: async
    return run(binding.now or binding.bind(), function, ARGS, KWARGS)                     #: outermost
    return hand(run(binding.now or binding.bind(), function, ARGS, KWARGS))               #: beneath
free = line.free
try:
    del free[-1]
except IndexError:
    pass
else:
    kept = None
    try:
        result = AWAIT CALL(function)
        if type(result) is not plain.first:                                               #: plain
            if type(result) is not plain.second and id(type(result)) not in plain.by_id:  #: plain
                kept = settle(bulkhead, result)                                           #: plain
                if kept is not None:                                                      #: plain
                    return kept                                                           #: outermost
                    raise Handed(kept)                                                    #: beneath
        return result
    finally:
        if kept is None:
            try:
                free.append(None)
            except RecursionError:  # a call needs room on the stack, this needs none
                free += (None,)
            finally:
                try:
                    next(line.done)
                finally:
                    if line.busy:
                        line.dispatch()
return AWAIT run(bulkhead, function, ARGS, KWARGS)                                        #: async
return run(bulkhead, function, ARGS, KWARGS)                                              #: outermost
return hand(run(bulkhead, function, ARGS, KWARGS))                                        #: beneath
""",
)

_HOLDING = Template("bulkhead", "binding, run", "return run(binding.now or binding.bind(), function, ARGS, KWARGS)")

_EACH = Template("bulkhead", "find, run", "return AWAIT run(find(ARGS, KWARGS), function, ARGS, KWARGS)")


def wrap(binding: Binding[Permits], function: Callable[..., Any]) -> Any:
    """Return `function` guarded by the bulkhead that is bound, with its looks kept."""
    if not is_async(function) and leaves_work(function):
        return tailor(_HOLDING, function, binding=binding, run=run_holding)
    plain = PlainTypes()

    def settle(bulkhead: Permits, result: Any) -> Awaitable[Any] | None:
        """Look at a result of a type that is not known to be plain; return what owns the permit if it is awaitable."""
        if not is_awaitable(result):
            plain.learn(result)
            return None
        permit = bulkhead.adopt()
        pending = _awaited(permit, result)
        permit.place.state = HELD  # last, and no call: until now the wrapper owns the permit, from now on `pending`
        return pending

    runner = run_async if is_async(function) else run
    return tailor(_QUIET, function, binding=binding, run=runner, settle=settle, plain=plain)


def wrap_each(find: Callable[[tuple[Any, ...], dict[str, Any]], Permits], function: Callable[..., Any]) -> Any:
    """Return `function` guarded, each call by the bulkhead that `find` names for its arguments."""
    runner = run_async if is_async(function) else run_holding if leaves_work(function) else run
    return tailor(_EACH, function, as_called=True, find=find, run=runner)


def run(bulkhead: Permits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make one call of a plain function, waiting and telling as need be."""
    if is_off():
        return function(*args, **kwargs)
    return _ended(bulkhead.wait(bulkhead.settings.queue_timeout), function, args, kwargs)


def _ended(permit: BulkheadPermit, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    kept = False
    try:
        result = function(*args, **kwargs)
        if is_awaitable(result):
            kept = True
            return _awaited(permit, result)
        return result
    finally:
        if not kept:
            permit.release()


def run_holding(bulkhead: Permits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do the same, and keep the permit until all that the call leaves behind in threads has ended as well."""
    if is_off():
        return function(*args, **kwargs)
    from ..._runtime.leftovers import Hold, holding

    permit = bulkhead.wait(bulkhead.settings.queue_timeout)
    hold = Hold()
    outer = holding.get()
    try:
        hold.open()
        result = function(*args, **kwargs)
        if is_awaitable(result):
            hold.add()
            return _awaited_under(hold, result)
        return result
    finally:
        _, phase = phases
        if phase is not START:  # asked without a call, so that no interrupt comes in between
            holding.set(outer)
        hold.let_go(permit.release)


async def _awaited_under(hold: Hold, pending: Awaitable[Any]) -> Any:
    try:
        return await pending
    finally:
        hold.end()


async def run_async(
    bulkhead: Permits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same for an async function."""
    if is_off():
        return await function(*args, **kwargs)
    permit = await bulkhead.wait_async(bulkhead.settings.queue_timeout)
    try:
        return await function(*args, **kwargs)
    finally:
        permit.release()


async def _awaited(permit: BulkheadPermit, pending: Awaitable[Any]) -> Any:
    """Keep the permit while `pending` is awaited. If nobody ever awaits this, the permit goes back with its object."""
    try:
        return await pending
    finally:
        permit.release()
