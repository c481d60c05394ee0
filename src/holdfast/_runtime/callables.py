"""What kind of callable is this, can it be guarded, and how does its guarded form keep its looks.

Decided once, when a function is decorated:

===============================================  ==================================================================
what is decorated                                how it is guarded
===============================================  ==================================================================
``async def``, also inside a partial, a method   as async
object with ``async def __call__``               as async
plain function, builtin, partial, object         as sync; once it returns an awaitable, as async from there on
staticmethod, classmethod                        the function inside; the result is a staticmethod, classmethod again
class, generator or context manager function …    refused with a TypeError that tells what to decorate instead
===============================================  ==================================================================
"""

from __future__ import annotations

import functools
from types import FunctionType, GeneratorType

from ..functions import (
    CO_ASYNC_GENERATOR,
    CO_GENERATOR,
    CO_ITERABLE_COROUTINE,
    call_method,
    flags_of,
    innermost,
    name_of,
)
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, NoReturn, TypeGuard


def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Whether `value` can be awaited: coroutines, futures, tasks, old generator-based coroutines."""
    kind = type(value)
    if kind is GeneratorType:
        return bool(value.gi_code.co_flags & CO_ITERABLE_COROUTINE)  # type: ignore[attr-defined]
    return hasattr(kind, "__await__")


def check_guardable(function: object, guard: str) -> None:
    """Raise a TypeError that teaches the fix if `function` is something that `guard` cannot protect."""
    if isinstance(function, type):
        _refuse(
            guard, f"the class {function.__qualname__}", "decorate a function that makes the object, or its methods"
        )
    if isinstance(function, property):
        _refuse(guard, "a property", "decorate the function inside: put @property above the guard")
    if isinstance(function, functools.partialmethod):
        _refuse(guard, "a partialmethod", "decorate the method that it is made of")
    if not callable(function):
        _refuse(guard, f"{_shown(function)}, which cannot be called", "decorate a function, or give a callable")
    inner = innermost(function)
    if _makes_context_manager(inner):
        fix = "its body runs in the caller's with block; guard what is done in the block, or what is called in the body"
        _refuse(guard, f"the context manager function {name_of(inner)}", fix)
    flags = flags_of(inner) | flags_of(innermost(call_method(inner)))
    if flags & CO_ASYNC_GENERATOR:
        kind = "the async generator function"
    elif flags & CO_GENERATOR and not flags & CO_ITERABLE_COROUTINE:
        kind = "the generator function"
    else:
        return
    fix = "its body runs only while it is iterated; decorate a function that fetches one item or one page"
    _refuse(guard, f"{kind} {name_of(inner)}", fix)


def dress(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Give `wrapper` the name, doc, signature, module and attributes of `function`."""
    if isinstance(function, FunctionType):
        return functools.wraps(function)(wrapper)
    # An object's own attributes are its business, and one with a `__getattr__` may answer anything to any question:
    # only what can be a name or a doc is taken over.
    inner = innermost(function)
    wrapper.__name__ = _text(function, "__name__") or _text(inner, "__name__") or type(inner).__name__
    wrapper.__qualname__ = name_of(function)
    wrapper.__module__ = _text(function, "__module__") or _text(inner, "__module__") or type(inner).__module__
    # A partial's own doc is that of the class `partial`.
    wrapper.__doc__ = _text(inner if isinstance(function, functools.partial) else function, "__doc__")
    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper


def guarded(function: Any, guard: str, wrap: Callable[[Any], Any]) -> Any:
    """Return `wrap(function)`, for a staticmethod or classmethod inside it and made one again.

    Raises TypeError if `function` cannot be guarded.
    """
    if isinstance(function, (staticmethod, classmethod)):
        inner = function.__func__
        check_guardable(inner, guard)
        return type(function)(wrap(inner))
    check_guardable(function, guard)
    return wrap(function)


def _makes_context_manager(function: object) -> bool:
    """Whether `contextlib.contextmanager`, or its async form, made this function out of a generator function."""
    return (
        isinstance(function, FunctionType)
        and function.__globals__.get("__name__") == "contextlib"
        and bool(flags_of(getattr(function, "__wrapped__", None)) & (CO_GENERATOR | CO_ASYNC_GENERATOR))
    )


def _text(function: object, attribute: str) -> str | None:
    value = getattr(function, attribute, None)
    return value if type(value) is str else None


def _shown(value: object) -> str:
    return f"{value!r:.60}" if isinstance(value, (int, float, str, type(None))) else f"a {type(value).__name__}"


def _refuse(guard: str, what: str, fix: str) -> NoReturn:
    raise TypeError(f"{guard} cannot guard {what}: {fix}")
