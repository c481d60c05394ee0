"""Exception types by dotted names, such as "httpx.ReadTimeout", found without importing what a file names.

A type is of use only once something raises it, and by then its module has been imported by whoever does. So a name
stands for a type that is looked up among the imported modules whenever an error has to be judged. Meanwhile what can be
said of a name is said: that nothing of the kind is installed, and, of a module that is imported, that it has no such
exception. For that, only what modules and classes hold is looked at: nothing of theirs is run. What a module makes when
it is asked for, as lazy ones do, is not known until it is there.
"""

from __future__ import annotations

import sys
from types import ModuleType

from ..journal import logger
from ..records import did_you_mean, nearest
from ..settings import shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_READY = ("builtins", "holdfast")
_CANCELLED = ("asyncio.CancelledError", "asyncio.exceptions.CancelledError")
_stand_ins: dict[str, type[BaseException]] = {}
_complained: set[str] = set()


class Wrong(Exception):  # noqa: N818  it is a verdict on a value, not an error of the program
    """What is wrong with a value, in words that fit after the name of its key."""


class _Named(type):
    """The class of types that stand for one that may not be imported yet."""

    __qualname__: str

    def __instancecheck__(cls, thing: Any) -> bool:
        return cls.__subclasscheck__(type(thing))

    def __subclasscheck__(cls, kind: type) -> bool:
        there = _find(cls.__qualname__)
        if isinstance(there, str):
            if cls.__qualname__ not in _complained:
                _complained.add(cls.__qualname__)
                logger("config").warning("the configuration names %s, but %s", cls.__qualname__, there)
            return False
        if there is not None:
            return kind is cls or issubclass(kind, there)
        # A lazy module may hand a type on without ever holding it; then its name has to do.
        module, _, last = cls.__qualname__.rpartition(".")
        package = module.partition(".")[0]
        return kind is cls or any(
            each.__name__ == last and str(each.__module__).partition(".")[0] == package for each in _mro(kind)
        )


def named_type(name: str) -> type[BaseException]:
    """Return the exception type of that name; raise `Wrong` if there can be none.

    >>> named_type("ConnectionError")
    <class 'ConnectionError'>
    """
    module, _, last = name.rpartition(".")
    if not all(part.isidentifier() for part in name.split(".")) or len(name) > _LONGEST:
        raise Wrong(f'must name an exception type with its module, such as "httpx.ReadTimeout", not {shown(name)}')
    if name in _CANCELLED:
        raise Wrong(f'cannot name "{name}": cancellation always passes')
    full = name if module else f"builtins.{name}"
    found = _find(full)
    if isinstance(found, str):
        fix = "" if module else '; an exception that is not built in is named with its module, as "httpx.ReadTimeout"'
        raise Wrong(f'cannot name "{name}": {found}{fix}')
    top = full.partition(".")[0]
    if found is not None and (top in _READY or Exception not in _mro(found)):
        return found  # nobody waits for it, or it will be refused
    if found is None and top == "holdfast":
        raise Wrong(f'cannot name "{name}": there is no such exception')
    if found is None and not _is_installed(top):
        near = nearest(top, {each.partition(".")[0] for each in sys.modules})
        hint = f'; did you mean "{near}"?' if near else ""
        raise Wrong(f'cannot name "{name}": there is no module "{top}" here{hint}')
    stand_in = _stand_ins.get(full)
    if stand_in is None:
        # One for each name, and for good: so policies are equal whenever what is written is.
        made: Any = _Named(last, (Exception,), {"__module__": module, "__qualname__": full})
        stand_in = _stand_ins.setdefault(full, made)
    return stand_in


def _find(name: str) -> type[BaseException] | str | None:
    """Return the type if it is there, None if it is not yet, or what is wrong with the name."""
    path, _, last = name.rpartition(".")
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        thing: Any = sys.modules.get(".".join(parts[:end]))
        if thing is not None:
            break
    else:
        return None
    for place, part in enumerate((*parts[end:], last), end):
        inside = _inside(thing)
        if inside is None:
            return f"{'.'.join(parts[:place])} is neither a module nor a class"
        if part not in inside:
            if _may_come(thing, inside, is_last=place == len(parts)):
                return None
            kinds = [each for each, what in inside.items() if _is_exception(what)]
            return f"{'.'.join(parts[:place])} has no {part}; {_offer(part, kinds)}"
        thing = inside[part]
    if not _is_exception(thing):
        return f"{name} is no exception type"
    return thing  # type: ignore[no-any-return]


_MODULE_DICT: Any = vars(ModuleType)["__dict__"]
_TYPE_DICT: Any = vars(type)["__dict__"]
_TYPE_MRO: Any = vars(type)["__mro__"]
_LONGEST = 200


def _inside(thing: Any) -> dict[str, Any] | None:
    """Return what a module or a class holds, as it is now; None for all else. Nothing of theirs is run."""
    if issubclass(type(thing), ModuleType):
        return dict(_MODULE_DICT.__get__(thing))
    if issubclass(type(thing), type):
        return {name: what for each in reversed(_mro(thing)) for name, what in dict(_TYPE_DICT.__get__(each)).items()}
    return None


def _mro(kind: type) -> tuple[type, ...]:
    found: tuple[type, ...] = _TYPE_MRO.__get__(kind)
    return found


def _may_come(module: Any, inside: dict[str, Any], *, is_last: bool) -> bool:
    """Whether a module may have later what it does not hold now."""
    is_package = not is_last and "__path__" in inside
    is_module = issubclass(type(module), ModuleType)
    is_lazy = "__getattr__" in inside and inside.get("__name__") not in _READY
    return is_module and (is_package or is_lazy or type(module) is not ModuleType)


def _offer(part: str, kinds: list[str]) -> str:
    if len(kinds) <= 10:
        return did_you_mean(part, kinds)
    near = nearest(part, kinds)
    return f'did you mean "{near}"?' if near else "look for it in its documentation"


def _is_exception(thing: object) -> bool:
    return issubclass(type(thing), type) and BaseException in _mro(thing)  # type: ignore[arg-type]


def _is_installed(top: str) -> bool:
    """Whether there is such a module to be imported; nothing of it is run."""
    if top in sys.modules:
        return True
    from importlib.util import find_spec

    return find_spec(top) is not None
