"""The guarded form of a function: a permit is taken and put back without a lock while there are any and nobody waits.

Two single operations on the tokens and a count are all that a quiet call costs beyond a bare wrapper. Whatever else is
to be done, for those who wait or listen, is done by `run` and `run_async`.
"""

from __future__ import annotations

import threading
from types import GeneratorType
from typing import TYPE_CHECKING, Any, Protocol

from ..._runtime.callables import dress, is_awaitable
from ...functions import is_async
from .queue import UNBOUND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .config import BulkheadConfig
    from .manager import BulkheadPermit
    from .queue import Line

    class Permits(Protocol):
        """What a guard asks of the bulkhead."""

        config: BulkheadConfig
        line: Line

        def wait(self, timeout: float | None) -> BulkheadPermit:
            """Return a permit, waiting in this thread."""
            ...

        async def wait_async(self, timeout: float | None) -> BulkheadPermit:  # noqa: ASYNC109
            """Return a permit, suspending this task."""
            ...

        def adopt(self) -> BulkheadPermit:
            """Return the permit of a call that took its token itself."""
            ...


_TYPES_KEPT = 16


def run(bulkhead: Permits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make one call of a plain function, waiting and telling as need be."""
    return _ended(bulkhead.wait(bulkhead.config.queue_timeout), function, args, kwargs)


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


async def run_async(
    bulkhead: Permits, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Do the same for an async function."""
    with await bulkhead.wait_async(bulkhead.config.queue_timeout):
        return await function(*args, **kwargs)


async def _awaited(permit: BulkheadPermit, pending: Awaitable[Any]) -> Any:
    """Keep the permit while `pending` is awaited. If nobody ever awaits this, the permit goes back with its object."""
    with permit:
        return await pending


def wrap(find: Callable[[], Permits | None], function: Callable[..., Any], get: Callable[[], Permits]) -> Any:
    """Return `function` guarded, with its looks kept.

    `find` returns the bulkhead if there is one by now, else None; `get` returns it in any case, at a call.
    """
    return dress((_wrap_async if is_async(function) else _wrap_plain)(find, function, get), function)


class Loud:
    """What a wrapper calls when the quiet path is not open: to wait, to be heard, or because its bulkhead is another.

    `bind` makes the wrapper's quiet path that of a bulkhead. That is done once, since a call under way must put its
    token back where it took it; after a replacement, a second wrapper inside does what the first one did.
    """

    __slots__ = ("_again", "_bind", "_bound", "_function", "_get", "_later", "_run", "dispatch")

    def __init__(
        self,
        get: Callable[[], Permits],
        function: Callable[..., Any],
        run: Callable[..., Any],
        bind: Callable[[Permits], None],
        again: Callable[..., Any],
    ) -> None:
        self._get = get
        self._function = function
        self._run = run
        self._bind = bind
        self._again = again
        self.dispatch = UNBOUND.dispatch
        self._bound: Permits | None = None
        self._later: tuple[Permits, Callable[..., Any]] | None = None

    def bind(self, bulkhead: Permits) -> None:
        """Bind the wrapper, unless another thread did."""
        with _binding:
            if self._bound is None:
                self._bind(bulkhead)
                self._bound = bulkhead

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call under the bulkhead as it is now."""
        bulkhead = self._get()
        if self._bound is None:
            self.bind(bulkhead)
        if bulkhead is self._bound:
            return self._run(bulkhead, self._function, args, kwargs)
        later = self._later
        if later is None or later[0] is not bulkhead:
            self._later = later = (bulkhead, self._again(lambda: bulkhead, self._function, lambda: bulkhead))
        return later[1](*args, **kwargs)


_binding = threading.RLock()


def _wrap_plain(find: Callable[[], Permits | None], function: Callable[..., Any], get: Callable[[], Permits]) -> Any:
    line = UNBOUND
    busy, free, done = line.busy, line.free, line.done
    adopt: Callable[[], BulkheadPermit]
    # Types of results that were seen to be just results; as in retry's guard.
    plain: type | None = None
    plains: dict[int, type] = {}

    def bind(bulkhead: Permits) -> None:
        nonlocal busy, free, done, adopt
        adopt, line = bulkhead.adopt, bulkhead.line
        free, done, loud.dispatch = line.free, line.done, line.dispatch
        busy = line.busy  # last, as it opens the quiet path

    loud = Loud(get, function, run, bind, _wrap_plain)
    known = find()
    if known is not None:
        loud.bind(known)

    def settle(result: Any) -> Any:
        """Look at a result of a type that is not known to be plain."""
        nonlocal plain
        kind = type(result)
        settled = _ended(adopt(), lambda: result, (), {})
        if settled is result and kind is not GeneratorType and len(plains) < _TYPES_KEPT:
            plains[id(kind)] = kind
            plain = plain or kind
        return settled

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if busy:
            return loud(args, kwargs)
        try:
            del free[0]  # not a call, so that no signal can come in between it and the next statement
        except IndexError:
            pass
        else:
            try:
                # Most calls have no keywords, and passing on an empty dict costs as much as all the rest of this.
                result = function(*args, **kwargs) if kwargs else function(*args)
            except BaseException:
                try:
                    free.append(None)
                finally:
                    next(done)
                    if busy:
                        loud.dispatch()
                raise
            if type(result) is plain or id(type(result)) in plains:
                try:
                    free.append(None)
                finally:
                    next(done)
                    if busy:
                        loud.dispatch()
                return result
            return settle(result)
        return loud(args, kwargs)

    return wrapper


def _wrap_async(find: Callable[[], Permits | None], function: Callable[..., Any], get: Callable[[], Permits]) -> Any:
    line = UNBOUND
    busy, free, done = line.busy, line.free, line.done

    def bind(bulkhead: Permits) -> None:
        nonlocal busy, free, done
        line = bulkhead.line
        free, done, loud.dispatch = line.free, line.done, line.dispatch
        busy = line.busy  # last, as it opens the quiet path

    loud = Loud(get, function, run_async, bind, _wrap_async)
    known = find()
    if known is not None:
        loud.bind(known)

    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if busy:
            return await loud(args, kwargs)
        try:
            del free[0]
        except IndexError:
            pass
        else:
            try:
                return await (function(*args, **kwargs) if kwargs else function(*args))
            finally:
                try:
                    free.append(None)
                finally:
                    next(done)
                    if busy:
                        loud.dispatch()
        return await loud(args, kwargs)

    return wrapper
