"""An exception made from its name and what is told of it: of the real class if it can be imported, else of a stand-in.

A stand-in has the module and the name of the real class, the status that errors of the real one always have, and no
base but `Exception`. That is enough for what the tables know by that very name; what they know by a base class needs
the library to be installed.
"""

from __future__ import annotations

import builtins
import difflib
import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors.known import known_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

_GENERATED = ("anthropic", "cerebras", "groq", "openai", "together")
"""Packages that the same generator makes; these classes of theirs have their status by themselves:"""

_STATUS_OF = {
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
}

_CLOSE = 0.8


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


def known_as(name: str) -> str | None:
    """Return the name of the exception that this is most likely a misspelling of, as far as its package is known.

    >>> known_as("requests.ConectionError")
    'requests.ConnectionError'
    """
    module, _, own = name.rpartition(".")
    if not module:
        known = {each: each for each, thing in vars(builtins).items() if _is_exception(thing)}
    else:
        package = module.partition(".")[0]
        known = {each: f"{module}.{each}" for each in _STATUS_OF if package in _GENERATED}
        for key in known_in(package):
            where, anywhere, inner = key.partition(":")
            if where == package and anywhere:
                known[inner] = f"{module}.{inner}"
            elif key.startswith(f"{package}."):
                known[key.rpartition(".")[2]] = key
        known.update((each, f"{module}.{each}") for each in _exceptions_in(module))
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(own.casefold(), by_folded, n=1, cutoff=_CLOSE)
    found = by_folded[close[0]] if close else own
    return None if found == own else known[found]


def _exceptions_in(module: str) -> list[str]:
    there = _module(module)
    try:
        return [each for each in dir(there) if _is_exception(getattr(there, each, None))]
    except Exception:  # a module that makes its attributes itself may raise anything
        return []


def _is_exception(thing: object) -> TypeGuard[type[BaseException]]:
    return isinstance(thing, type) and issubclass(thing, BaseException)


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
    if _is_exception(found):
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
        near = known_as(name)
        meant = f"did you mean {near}? Or give its module too" if near else "give its module too"
        raise NamingError(f"{name} is no built-in exception; {meant}, as in requests.{name}")
    members: dict[str, Any] = {"__module__": module, "__qualname__": own}
    if own in _STATUS_OF and module.partition(".")[0] in _GENERATED:
        members["status_code"] = _STATUS_OF[own]
    return type(own, (Exception,), members)


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
