"""What an error says, read without writing out all that it carries.

`str(error)` writes out its arguments, and one of them may be the body of a reply: a million rows would take seconds.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_args_of: Callable[[BaseException], tuple[Any, ...]] = BaseException.__dict__["args"].__get__

_MOST_ARGUMENTS = 16
_MOST_CHARACTERS = 4_000
_OF_ONE = 16
_CONTAINERS = (tuple, list, set, frozenset)


def text_of(error: Any, longest: int) -> str:
    """Return the beginning of an error's message in lower case; "" if it has none to give.

    Of an error with huge arguments it is the beginning of the first text among them.
    """
    if not issubclass(type(error), BaseException):
        return ""
    arguments = _args_of(error)
    try:
        if _are_small(arguments):
            return str(error)[:longest].lower()
    except Exception:  # a message may be made from attributes that were never set
        return ""
    return next((value[:longest].lower() for value in arguments[:_MOST_ARGUMENTS] if type(value) is str), "")


def _are_small(arguments: tuple[Any, ...]) -> bool:
    """Whether it takes next to no time to write these out. What is neither text nor container is taken for small."""
    if len(arguments) > _MOST_ARGUMENTS:
        return False
    left = _MOST_CHARACTERS
    ahead = list(arguments)
    while ahead:
        value = ahead.pop()
        size, inner = _size_of(value)
        left -= size
        if left < 0:
            return False
        ahead += inner
    return True


def _size_of(value: Any) -> tuple[int, Iterable[Any]]:
    """Return about how many characters a value takes, and what there is in it besides."""
    kind = type(value)
    if issubclass(kind, str):
        return str.__len__(value), ()
    if issubclass(kind, bytes):
        return bytes.__len__(value), ()
    if issubclass(kind, BaseException):
        return len(_args_of(value)) * _OF_ONE, _args_of(value)
    if issubclass(kind, dict):
        return dict.__len__(value) * 2 * _OF_ONE, chain(dict.keys(value), dict.values(value))
    if kind in _CONTAINERS:
        return len(value) * _OF_ONE, value
    return _OF_ONE, ()
