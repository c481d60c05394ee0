"""What the calls of one function share: its last good values, and whether it returns things to await."""

from __future__ import annotations

import functools

from ..journal import report_broken
from ..typed import TYPE_CHECKING
from .answers import NOTHING
from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any, Protocol

    from .answers import LastGood
    from .shelf import Claim, Entry
    from .tally import Tally

    class Keeper(Protocol):
        """What a memory asks of the fallback."""

        last_good: LastGood | None
        tally: Tally

        def read(self) -> float:
            """Return the time."""
            ...


class Memory:
    """The memory of one function. `gives_awaitables`: its callers are known to await what they get."""

    __slots__ = ("gives_awaitables", "shelf")

    def __init__(self, *, gives_awaitables: bool = False, shelf: Shelf | None = None) -> None:
        self.gives_awaitables = gives_awaitables
        self.shelf = Shelf() if shelf is None else shelf

    def key(self, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
        """Return what tells this call from others; `NOTHING` if it is not to be remembered."""
        if last_good.key is None:
            return (_WITH_KEYWORDS, args, frozenset(kwargs.items())) if kwargs else args
        try:
            return last_good.key(*args, **kwargs)
        except Exception:
            report_broken("fallback", "key", last_good.key)
            return NOTHING

    def keep(
        self, keeper: Keeper, value: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, awaited: bool = False
    ) -> None:
        """Remember a value, if values are to be remembered."""
        last_good = keeper.last_good
        if last_good is None:
            return
        shelf = self.shelf
        try:
            key = self.key(last_good, args, kwargs)
            if key is NOTHING:
                return
            shelf.entries[key] = (keeper.read(), value, awaited)
            if len(shelf.entries) > shelf.known:
                shelf.settle(key, last_good.max_keys)
        except Exception:  # noqa: S110  arguments that cannot be hashed or compared are nobody's fault
            pass

    def recall(
        self, keeper: Keeper, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Entry | None:
        """Return the last good value of such a call, if there is one that is not too old."""
        try:
            entry = self.shelf.entries.get(self.key(last_good, args, kwargs))
        except Exception:  # as in `keep`
            return None
        if entry is not None and last_good.max_age is not None:
            return entry if keeper.read() - entry[0] <= last_good.max_age else None
        return entry

    def visit(
        self, keeper: Keeper, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Claim | None, Entry | None]:
        """Say what to do about a call, where values are made anew only after some time.

        With an entry, answer with that. Else make the call; and if there is a claim, hold it meanwhile.
        """
        entry = self.recall(keeper, last_good, args, kwargs)
        if entry is None:
            return None, None
        if keeper.read() - entry[0] <= (last_good.refresh_after or 0):
            keeper.tally.add("served_fresh")
            return None, entry
        claim = self.shelf.claim(self.key(last_good, args, kwargs))
        if claim is not None:
            return claim, None
        keeper.tally.add("served_stale")
        return None, entry


class CallMemory(Memory):
    """The memory of one call that goes by a key of its own, in a shelf that it shares with others."""

    __slots__ = ("_key",)

    def __init__(self, shelf: Shelf, key: Hashable) -> None:
        super().__init__(shelf=shelf)
        self._key = key

    def key(self, last_good: LastGood, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:  # noqa: ARG002
        """Return the key of the call."""
        return self._key


def key_of(operation: Callable[[], Any], last_good: LastGood | None, key: Hashable) -> Hashable:
    """Return the key of an operation that is called without arguments: the one given, or what can be told of it.

    A `functools.partial` goes by its function and its arguments, so that an equal one finds the value again.
    """
    if key is not NOTHING or last_good is None:
        return key
    if not isinstance(operation, functools.partial):
        return operation
    inner = Memory().key(last_good, operation.args, operation.keywords)
    return inner if inner is NOTHING else (operation.func, inner)


_WITH_KEYWORDS = object()  # so that no positional arguments make the same key
