"""What a callable is: asked without calling it, and without running what its `__getattr__` may do."""

from __future__ import annotations

import functools
import sys
from types import CoroutineType, FunctionType, MethodType

from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

# Bits of `code.co_flags`, as documented in the `inspect` module.
CO_VARARGS = 0x04
CO_GENERATOR = 0x20
CO_COROUTINE = 0x80
CO_ITERABLE_COROUTINE = 0x100
CO_ASYNC_GENERATOR = 0x200


def innermost(function: Any) -> Any:
    """See through partials and bound methods, as deep as they are nested."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, MethodType):
            function = function.__func__
        else:
            return function


def call_method(function: object) -> Any:
    """Return the `__call__` of an object's class, or None for a function."""
    inner = innermost(function)
    return None if isinstance(inner, FunctionType) else getattr(type(inner), "__call__", None)  # noqa: B004


def flags_of(function: object) -> int:
    """Return the `co_flags` of a function written in Python, 0 for anything else."""
    return function.__code__.co_flags if isinstance(function, FunctionType) else 0


def is_async(function: object) -> bool:
    """Whether calling `function` is sure to give a coroutine."""
    return _is_async_function(function) or _is_async_function(call_method(function))


def _is_async_function(function: object) -> bool:
    inner = innermost(function)
    if flags_of(inner) & CO_COROUTINE:
        return True
    # Functions that say so themselves: `inspect.markcoroutinefunction`, and what asyncio knew before it. A module that
    # is not loaded cannot have marked anything.
    marked = getattr(sys.modules.get("inspect"), "iscoroutinefunction", None)  # None while it is being loaded
    if marked is not None and isinstance(inner, FunctionType) and marked(inner):
        return True
    mark = getattr(sys.modules.get("asyncio.coroutines"), "_is_coroutine", None)
    own = getattr(inner, "__dict__", None)
    return mark is not None and isinstance(own, dict) and own.get("_is_coroutine") is mark


def refused_by(function: Any, count: int) -> str:
    """Return the parameters of a callable that cannot be called with so many positional arguments; "" if it can be.

    What does not tell its parameters, as many builtins do not, may well take them.

    >>> refused_by(lambda error: None, 2)
    '(error)'
    """
    plain, given = function, count
    if isinstance(plain, MethodType):
        plain, given = plain.__func__, count + 1
    if isinstance(plain, FunctionType) and not plain.__code__.co_kwonlyargcount:
        code = plain.__code__
        least = code.co_argcount - len(plain.__defaults__ or ())
        if given >= least and (given <= code.co_argcount or code.co_flags & CO_VARARGS):
            return ""
    import inspect

    try:
        # What it wraps may well be called with other arguments than itself.
        parameters = inspect.signature(function, follow_wrapped=False)
        told = str(parameters.replace(return_annotation=parameters.empty))
    except Exception:  # a `__signature__`, or a default, may be anything
        return ""
    try:
        parameters.bind(*range(count))
    except TypeError:
        return told
    return ""


def name_of(function: object) -> str:
    """Return a name for logs and notes: the qualified name, seen through partials, or that of the object's class."""
    inner = innermost(function)
    name = getattr(inner, "__qualname__", None)
    return name if type(name) is str else type(inner).__qualname__


def refuse_awaitable(answer: Any) -> None:
    """Raise TypeError if a predicate or callback returned something to await: nobody will, and it answers nothing."""
    if hasattr(type(answer), "__await__"):
        if isinstance(answer, CoroutineType):
            answer.close()  # or it would complain when it is collected
        raise TypeError("predicates and callbacks must be plain functions")
