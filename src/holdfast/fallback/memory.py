"""What the calls of one function share: its last good values, and whether it returns things to await."""

from __future__ import annotations

import functools
import weakref
from types import CoroutineType, FunctionType

from ..functions import refuse_awaitable
from ..journal import report_broken
from ..typed import TYPE_CHECKING
from .answers import NOTHING
from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, ClassVar, Protocol

    from .answers import LastGood
    from .shelf import Claim, Good
    from .tally import Tally

    class Keeper(Protocol):
        """What a memory asks of the fallback."""

        last_good: LastGood | None
        tally: Tally

        def read(self) -> float:
            """Return the time."""
            ...


class Memory:
    """The memory of one function. `gives_awaitables`: whether its callers await what they get; None if unknown."""

    __slots__ = ("gives_awaitables", "shelf")

    goes_by_arguments: ClassVar[bool] = True
    """Whether the key is just the arguments, unless a function makes it."""

    def __init__(self, *, gives_awaitables: bool | None = False, shelf: Shelf | None = None) -> None:
        self.gives_awaitables = gives_awaitables
        self.shelf = Shelf() if shelf is None else shelf

    def learn(self, *, awaitable: bool) -> None:
        """Note whether what the function just returned is to be awaited."""
        if awaitable:
            self.gives_awaitables = True
        elif self.gives_awaitables:
            self.gives_awaitables = None

    def key(self, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        """Return what tells this call from others; `NOTHING` if it is not to be remembered.

        What a key function says is kept apart by the function: another one may say the same of other calls.
        """
        if last_good.key is None:
            try:
                return (_WITH_KEYWORDS, args, frozenset(kwargs.items())) if kwargs else args
            except Exception:  # what cannot be hashed is nobody's fault
                return NOTHING
        try:
            told = last_good.key(*args, **kwargs)
            if type(told) is CoroutineType:
                refuse_awaitable(told)
            hash(told)
        except Exception:
            report_broken("fallback", "key", last_good.key)
            return NOTHING
        return (_BY_FUNCTION, last_good.key, told)

    def keep(
        self, keeper: Keeper, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, awaited: bool = False
    ) -> None:
        """Remember a value, if values are to be remembered."""
        last_good = keeper.last_good
        if last_good is not None and (key := self.key(last_good, args, kwargs)) is not NOTHING:
            try:
                came = keeper.read()
            except Exception:  # a clock that is broken costs nobody a result
                return
            self.shelf.keep(key, (came, value, awaited), last_good.max_keys)

    def recall(self, keeper: Keeper, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Good | None:
        """Return the last good value of such a call, if there is one that is not too old."""
        entry = self.shelf.find(self.key(last_good, args, kwargs))
        good = None if entry is None else entry.good
        if good is None or last_good.max_age is None or keeper.read() - good[0] <= last_good.max_age:
            return good
        return None

    def visit(self, keeper: Keeper, last_good: LastGood, key: Hashable, claim: Claim) -> Good | None:
        """Return the good value to answer with at once, where values are made anew only after some time.

        If there is none, the call is to be made; and if there is an old value, `claim` has the place meanwhile.
        """
        entry = self.shelf.find(key)
        good = None if entry is None else entry.good
        if entry is None or good is None:
            return None
        now = keeper.read()
        age = now - good[0]
        renewal = last_good.refresh_after or 0
        if age <= renewal:
            keeper.tally.add("served_fresh")
            return good
        if last_good.max_age is not None and age > last_good.max_age:
            return None
        claim.until = now + renewal * _PATIENCE
        if entry.give(claim, now):
            latest = entry.good
            if latest is good or latest is None:
                return None
            keeper.tally.add("served_fresh")  # another thread made it anew after the look at it, and before the claim
            return latest
        keeper.tally.add("served_stale")
        return good

    def of_call(self, key: Hashable) -> CallMemory:
        """Return the memory of one call, whose key has been made already."""
        return CallMemory(self.shelf, key, self)


_PATIENCE = 10
"""A call that has been making a value anew for that many times `refresh_after` is taken to hang."""


class CallMemory(Memory):
    """The memory of one call that goes by a key of its own, in a shelf that it shares with others."""

    __slots__ = ("_key", "_of_function")

    def __init__(
        self, shelf: Shelf, key: Hashable, of_function: Memory | None = None, *, gives_awaitables: bool | None = None
    ) -> None:
        known = gives_awaitables if of_function is None else of_function.gives_awaitables
        super().__init__(gives_awaitables=known, shelf=shelf)
        self._key = key
        self._of_function = of_function

    def learn(self, *, awaitable: bool) -> None:
        """Note it for the function as well."""
        super().learn(awaitable=awaitable)
        if self._of_function is not None:
            self._of_function.learn(awaitable=awaitable)

    def key(self, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:  # noqa: ARG002
        """Return the key of the call."""
        return self._key


class OperationMemory(Memory):
    """The memory of a function that calls the operation which it is given, its one argument."""

    __slots__ = ()

    goes_by_arguments = False

    def key(self, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        """Return the key of the operation, if there is no function that makes one."""
        if last_good.key is None:
            return key_of(args[0], last_good, NOTHING)
        return super().key(last_good, args, kwargs)


def key_of(operation: Callable[[], Any], last_good: LastGood | None, key: Hashable) -> Hashable:
    """Return the key of an operation that is called without arguments: the one given, or what can be told of it.

    A `functools.partial` goes by its function and its arguments, so that an equal one finds the value again.
    """
    if key is not NOTHING or last_good is None:
        return key
    if not isinstance(operation, functools.partial):
        return _itself(operation)
    inner = Memory().key(last_good, operation.args, operation.keywords)
    return inner if inner is NOTHING else (_itself(operation.func), inner)


def _itself(operation: Any) -> Hashable:
    """Return a key by which this very operation is found again, and which does not keep a function alive.

    Most lambdas are made for one call; they, and all that they enclose, would be kept for nothing.
    """
    return weakref.ref(operation) if isinstance(operation, FunctionType) else operation


_WITH_KEYWORDS = object()  # so that no positional arguments make the same key
_BY_FUNCTION = object()
