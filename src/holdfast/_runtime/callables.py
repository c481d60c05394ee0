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
import sys
from types import FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# Bits of `code.co_flags`, as documented in the `inspect` module.
_CO_GENERATOR = 0x20
_CO_COROUTINE = 0x80
_CO_ITERABLE_COROUTINE = 0x100
_CO_ASYNC_GENERATOR = 0x200


def is_awaitable(value: object) -> TypeGuard[Awaitable[Any]]:
    """Whether `value` can be awaited: coroutines, futures, tasks, old generator-based coroutines."""
    kind = type(value)
    if kind is GeneratorType:
        return bool(value.gi_code.co_flags & _CO_ITERABLE_COROUTINE)  # type: ignore[attr-defined]
    return hasattr(kind, "__await__")


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling `function` is sure to give a coroutine."""
    return _is_async_function(function) or _is_async_function(_call_method(function))


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
    inner = _innermost(function)
    if getattr(inner, "__globals__", {}).get("__name__") == "contextlib":
        fix = "its body runs in the caller's with block; guard what is done in the block, or what is called in the body"
        _refuse(guard, f"the context manager function {name_of(inner)}", fix)
    flags = _flags(inner) | _flags(_innermost(_call_method(inner)))
    if flags & _CO_ASYNC_GENERATOR:
        kind = "the async generator function"
    elif flags & _CO_GENERATOR and not flags & _CO_ITERABLE_COROUTINE:
        kind = "the generator function"
    else:
        return
    fix = "its body runs only while it is iterated; decorate a function that fetches one item or one page"
    _refuse(guard, f"{kind} {name_of(inner)}", fix)


def name_of(function: object) -> str:
    """Return a name for logs and notes: the qualified name, seen through partials, or that of the object's class."""
    inner = _innermost(function)
    name = getattr(inner, "__qualname__", None)
    return name if isinstance(name, str) else type(inner).__qualname__


def dress(wrapper: Callable[..., Any], function: Callable[..., Any]) -> Any:
    """Give `wrapper` the name, doc, signature, module and attributes of `function`."""
    if isinstance(function, FunctionType):
        return functools.wraps(function)(wrapper)
    # An object's own attributes are its business; only what a function shows of itself is taken over.
    functools.update_wrapper(wrapper, function, updated=())
    if not hasattr(function, "__name__"):
        inner = _innermost(function)
        name = getattr(inner, "__name__", type(inner).__name__)
        wrapper.__name__ = name
        wrapper.__qualname__ = name_of(function)
        wrapper.__doc__ = getattr(inner, "__doc__", None)
        wrapper.__module__ = getattr(inner, "__module__", None) or type(inner).__module__
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


def _innermost(function: Any) -> Any:
    """See through partials and bound methods, as deep as they are nested."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        else:
            return function


def _call_method(function: object) -> Any:
    """Return the `__call__` of an object's class; functions and builtins have none of interest."""
    inner = _innermost(function)
    return None if isinstance(inner, FunctionType) else getattr(type(inner), "__call__", None)  # noqa: B004


def _flags(function: object) -> int:
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return flags if isinstance(flags, int) else 0


def _is_async_function(function: object) -> bool:
    inner = _innermost(function)
    if _flags(inner) & _CO_COROUTINE:
        return True
    # Functions that say so themselves: `inspect.markcoroutinefunction`, and what asyncio knew before it. A module that
    # is not loaded cannot have marked anything.
    inspect = sys.modules.get("inspect")
    if inspect is not None and inspect.iscoroutinefunction(function):
        return True
    coroutines = sys.modules.get("asyncio.coroutines")
    mark = getattr(coroutines, "_is_coroutine", None)
    return mark is not None and getattr(inner, "_is_coroutine", None) is mark


def _shown(value: object) -> str:
    return f"{value!r:.60}" if isinstance(value, (int, float, str, type(None))) else f"a {type(value).__name__}"


def _refuse(guard: str, what: str, fix: str) -> NoReturn:
    raise TypeError(f"{guard} cannot guard {what}: {fix}")
