"""Exception types by dotted names, such as "httpx.ReadTimeout", found without importing what a file names.

A type is of use only once something raises it, and by then its module has been imported by whoever does. So a name
stands for a type that is looked up among the imported modules whenever an error has to be judged. Meanwhile what can be
said of a name is said: that nothing of the kind is installed, and, of a module that is imported, that it has no such
exception.
"""

from __future__ import annotations

import sys

from ..journal import logger
from ..records import did_you_mean, nearest
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_READY = ("builtins", "holdfast")
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
        return kind is cls or (there is not None and issubclass(kind, there))


def named_type(name: str) -> type[BaseException]:
    """Return the exception type of that name; raise `Wrong` if there can be none.

    >>> named_type("ConnectionError")
    <class 'ConnectionError'>
    """
    module, _, last = name.rpartition(".")
    if not module:
        name = f"builtins.{name}"
    elif not all(part.isidentifier() for part in name.split(".")):
        raise Wrong(f'must name an exception type with its module, such as "httpx.ReadTimeout", not "{name}"')
    found = _find(name)
    if isinstance(found, str):
        fix = "" if module else '; an exception that is not built in is named with its module, as "httpx.ReadTimeout"'
        raise Wrong(f'cannot name "{name if module else last}": {found}{fix}')
    top = name.partition(".")[0]
    if found is not None and top in _READY:
        return found
    if found is None and not _is_installed(top):
        near = nearest(top, {each.partition(".")[0] for each in sys.modules})
        hint = f'; did you mean "{near}"?' if near else ""
        raise Wrong(f'cannot name "{name}": there is no module "{top}" here{hint}')
    stand_in = _stand_ins.get(name)
    if stand_in is None:
        # One for each name, and for good: so policies are equal whenever what is written is.
        made: Any = _Named(last, (Exception,), {"__module__": module, "__qualname__": name})
        stand_in = _stand_ins.setdefault(name, made)
    return stand_in


def _find(name: str) -> type[BaseException] | str | None:
    """Return the type if its module is imported, None if it is not, or what is wrong with the name."""
    path, _, last = name.rpartition(".")
    parts = path.split(".")
    for end in range(len(parts), 0, -1):
        thing: Any = sys.modules.get(".".join(parts[:end]))
        if thing is not None:
            break
    else:
        return None
    inside = [*parts[end:], last]
    for place, part in enumerate(inside):
        owner, thing = thing, getattr(thing, part, None)
        if thing is None:
            if place < len(inside) - 1 and hasattr(owner, "__path__"):
                return None  # a module of a package that is not imported yet
            kinds = [each for each, what in dict(vars(owner)).items() if _is_exception(what)]
            return f"{getattr(owner, '__name__', path)} has no {part}; {_offer(part, kinds)}"
    if not _is_exception(thing):
        return f"{name} is no exception type"
    return thing  # type: ignore[no-any-return]


def _offer(part: str, kinds: list[str]) -> str:
    if len(kinds) <= 10:
        return did_you_mean(part, kinds)
    near = nearest(part, kinds)
    return f'did you mean "{near}"?' if near else "look for it in its documentation"


def _is_exception(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, BaseException)


def _is_installed(top: str) -> bool:
    """Whether there is such a module to be imported; nothing of it is run."""
    from importlib.util import find_spec

    try:
        return find_spec(top) is not None
    except ValueError:  # it is there, but was made by hand
        return True
