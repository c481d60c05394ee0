"""What may answer in place of a call that failed: a value, a function, the same call elsewhere, a last good value."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Awaitable
from types import FunctionType, UnionType

from ..errors import ConfigurationError
from ..functions import innermost, is_async
from ..settings import Settings, optional_callable, optional_seconds, shown, whole_number
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta
    from typing import Any, Literal, TypeAlias, TypedDict, Unpack

    AnswerKind: TypeAlias = Literal["value", "function", "instead", "last_good"]
    Chain: TypeAlias = tuple["Step | Choice", ...]

    class LastGoodFields(TypedDict, total=False):
        """All that may be said of last good values; `LastGood` tells what each means."""

        max_age: float | timedelta | None
        max_keys: int
        key: Callable[..., object] | None
        refresh_after: float | timedelta | None


class Nothing:
    """The type of `NOTHING`, which stands where there is no value, as None may well be one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOTHING"

    def __reduce__(self) -> str:
        return "NOTHING"  # a copy, also in another process, is the one that is there


NOTHING = Nothing()

KINDS: tuple[AnswerKind, ...] = ("value", "function", "instead", "last_good")


class _Marked:
    """Says of a thing in what way it answers."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any, /) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return self.thing == other.thing if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self.thing))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.thing!r})"


class Value(_Marked):
    """Answers with this very object each time, also if it is something that could be called.

    >>> Value([])
    Value([])

    Raises `ConfigurationError` for something to await, as that can be awaited only once.
    """

    __slots__ = ()

    def __init__(self, thing: Any, /) -> None:
        if hasattr(type(thing), "__await__"):
            if hasattr(thing, "close"):
                thing.close()  # or it would complain that nobody awaited it
            raise ConfigurationError(
                f"a fallback cannot answer with a {type(thing).__name__}, which can be awaited once; give the function "
                "that makes it"
            )
        super().__init__(thing)


class Instead(_Marked):
    """Answers by calling this function with the arguments of the call that failed.

    >>> Instead(print)
    Instead(<built-in function print>)

    Raises `ConfigurationError` for what cannot be called.
    """

    __slots__ = ()

    def __init__(self, function: Callable[..., Any], /) -> None:
        if not callable(function):
            raise ConfigurationError(f"Instead takes a function, not {shown(function)}")
        super().__init__(function)


class LastGood(Settings):
    """Answers with the value that the same call gave when it last succeeded. Frozen.

    * `max_age`: seconds, or a `timedelta`, after which a value is too old to answer. Default 300; None: never.
    * `max_keys`: how many values are kept at most. Default 1000. Beyond it those go that have not been renewed for
      longest, roughly.
    * `key(*args, **kwargs)`: what tells calls apart. Default None: their arguments, compared as the keys of a dict are.
      A call whose arguments cannot be hashed is not remembered. A key that raises, or returns what cannot be hashed, is
      logged, and its call not remembered.
    * `refresh_after`: seconds after which a value is to be made anew. A younger one answers at once, without a call.
      With an older one, one call is made, and the old value answers all that come while it is under way, for ten times
      as long at most. Default None: every call is made, and values only answer for those that fail.

    The values are the very objects that were returned, shared by all who get them.

    >>> LastGood(max_age=60).max_keys
    1000

    Raises `ConfigurationError` for whatever cannot work.
    """

    max_age: float | None = 300.0
    max_keys: int = 1000
    key: Callable[..., object] | None = None
    refresh_after: float | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[LastGoodFields]) -> None: ...

        def replace(self, **changes: Unpack[LastGoodFields]) -> LastGood:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "LastGood"
        mine["max_age"] = optional_seconds(owner, "max_age", self.max_age)
        mine["max_keys"] = whole_number(owner, "max_keys", self.max_keys)
        mine["refresh_after"] = optional_seconds(owner, "refresh_after", self.refresh_after)
        optional_callable(owner, "key", self.key, "(*args, **kwargs) of the guarded function")
        if not _can_be_hashed(self.key):
            raise ConfigurationError(
                f"{owner}: key={shown(self.key)} cannot be hashed, which is needed to keep values apart from those of "
                "another key; give a function"
            )
        if self.max_age is not None and (self.refresh_after or 0) >= self.max_age:
            raise ConfigurationError(
                f"{owner}: refresh_after ({self.refresh_after:g} s) must be shorter than max_age ({self.max_age:g} s), "
                "or a value would be too old to answer before it is made anew"
            )


def _can_be_hashed(thing: object) -> bool:
    try:
        hash(thing)
    except Exception:
        return False
    return True


class Step:
    """One answer, and how it is had."""

    __slots__ = ("is_async", "kind", "takes_error", "thing")

    def __init__(self, kind: AnswerKind, thing: Any, *, takes_error: bool = False) -> None:
        self.kind = kind
        self.thing = thing
        self.takes_error = takes_error
        self.is_async = kind in {"function", "instead"} and is_async(thing)


class Choice:
    """Answers by what kind of error it is; none if the error is of no kind that is listed."""

    __slots__ = ("chains",)

    def __init__(self, chains: Mapping[Any, Chain]) -> None:
        self.chains = chains


def all_steps(chain: Chain) -> Iterator[Step]:
    """Yield every answer in a chain, whatever it is meant for."""
    for each in chain:
        if isinstance(each, Step):
            yield each
        else:
            for chosen in each.chains.values():
                yield from all_steps(chosen)


def gives_awaitables(function: Any) -> bool | None:
    """Whether a plain function returns something to await; None if that cannot be told, as of a lambda or an object.

    A `def` tells it by its annotation, as in ``-> Awaitable[str]``.
    """
    inner = innermost(function)
    while (wrapped := getattr(inner, "__wrapped__", None)) is not None:
        inner = innermost(wrapped)
        if is_async(inner):
            return None  # what stands around it may await it, or leave that to others
    if not isinstance(inner, FunctionType):
        return None
    try:
        told = inner.__annotations__.get("return")
        if told is None:
            return None if inner.__name__ == "<lambda>" else False
        return _of_annotation(told, inner.__globals__)
    except Exception:  # annotations may be made when they are asked for, of names that are not there
        return None


def _of_annotation(told: Any, names: Mapping[str, Any]) -> bool | None:
    """Say it of an annotation, of which the parts of a union have to agree."""
    if isinstance(told, str):
        words = [told] if told.isidentifier() else _without_brackets(told).split("|")
        parts = [_named(each.strip(), names) for each in words]
    else:
        parts = list(told.__args__) if isinstance(told, UnionType) else [told]
    seen = {_of_class(each) for each in parts}
    return seen.pop() if len(seen) == 1 else None


def _of_class(kind: Any) -> bool | None:
    kind = getattr(kind, "__origin__", kind)
    anything = (object, getattr(sys.modules.get("typing"), "Any", object))
    return hasattr(kind, "__await__") if isinstance(kind, type) and kind not in anything else None


def _named(name: str, names: Mapping[str, Any]) -> Any:
    """Return what an annotation names; None if that cannot be told."""
    first, *attributes = name.split(".")
    if first == "None":
        return type(None)
    found: Any = names.get(first, getattr(builtins, first, None))
    for each in attributes:
        found = getattr(found, each, None)
    if found is None and (attributes or [first])[-1] in _UNMISTAKABLE:
        return Awaitable  # imported for type checkers only, most likely
    return found


_UNMISTAKABLE = frozenset({"Awaitable", "Coroutine", "CoroutineType"})


def _without_brackets(annotation: str) -> str:
    depth, kept = 0, []
    for each in annotation:
        depth += each == "["
        if not depth:
            kept.append(each)
        depth -= each == "]"
    return "".join(kept)
