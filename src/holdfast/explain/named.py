"""An exception made from its name and what is told of it: of the real class if it can be imported, else of a stand-in.

A stand-in has the module and the name of the real class, and no base but `Exception`. That is enough for what the
tables know by that very name; what they know by a base class needs the library to be installed.
"""

from __future__ import annotations

import builtins
import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class NamingError(ValueError):
    """A text that cannot be the name of an exception; the message says why."""


class Named(NamedTuple):
    """The exception, and whether it is one of the real class."""

    error: BaseException
    is_real: bool


class Reply:
    """What a client keeps of a server's answer: its status and headers."""

    def __init__(self, status: int | None, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.headers = dict(headers)


def exception_named(
    name: str,
    *,
    message: str = "",
    status: int | None = None,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Named:
    """Return an exception of the class with this name, such as `openai.RateLimitError`, carrying what is given.

    `status` and `headers` go into a response on the exception, `code` is the vendor's text. The module is imported,
    if it can be. Raises `NamingError` if `name` is no dotted name, or names something that is no exception.

    >>> exception_named("ConnectionRefusedError").error
    ConnectionRefusedError()
    >>> exception_named("some_vendor.Busy", message="later")
    Named(error=Busy('later'), is_real=False)
    """
    kind = _class_named(name)
    is_real = kind is not None
    arguments = (message,) if message else ()
    error = _made(kind or _stand_in(name), arguments)
    if code is not None:
        _give(error, "code", code)
    if status is not None or headers:
        _give(error, "response", Reply(status, headers or {}))
    return Named(error, is_real)


def _class_named(name: str) -> type[BaseException] | None:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise NamingError(
            f"{name!r} is no name of an exception; give one such as openai.RateLimitError or TimeoutError"
        )
    places = ((at, _module(".".join(parts[:at])) if at else builtins) for at in range(len(parts) - 1, -1, -1))
    at, found = next((at, module) for at, module in places if module is not None)
    try:
        for part in parts[at:]:
            found = getattr(found, part)
    except Exception:
        return None  # no such class; a module that makes its attributes itself may raise anything
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    raise NamingError(f"{name} is no exception class, it is {type(found).__name__}")


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # not installed, or broken in whatever way
        return None


def _stand_in(name: str) -> type[BaseException]:
    module, _, own = name.rpartition(".")
    if not module:
        raise NamingError(f"{name} is no built-in exception; give its module too, as in requests.{name}")
    return type(own, (Exception,), {"__module__": module, "__qualname__": own})


def _made(kind: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """Make an instance without the constructor, whose arguments differ from class to class."""
    try:
        if issubclass(kind, BaseExceptionGroup):
            arguments = (*(arguments or ("",)), [Exception()])
        make: Any = kind.__new__
        error: BaseException = make(kind, *arguments)
    except Exception:
        error = Exception.__new__(type(kind.__name__, (Exception,), {"__module__": kind.__module__}))
    error.args = arguments
    return error


def _give(error: BaseException, name: str, value: Any) -> None:
    try:
        setattr(error, name, value)
    except Exception:  # a read-only property; the instance's own dict is read too
        error.__dict__[name] = value
