"""Exceptions of libraries that need not be installed: classes with the module, name and attributes recorded there."""

from __future__ import annotations

from typing import Any


def recorded(path: str, *bases: type[BaseException], **members: Any) -> Any:
    """Make the class that a library would have at this path, for example `mcp.shared.exceptions.McpError`."""
    module, _, name = path.rpartition(".")
    return type(name, bases or (Exception,), {"__module__": module, "__qualname__": name, **members})


def bearing(error: BaseException, /, **attributes: Any) -> BaseException:
    """Set attributes on the error."""
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


class Bag:
    """An object with the given attributes, as responses and error details are."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Say `raise error from cause`."""
    error.__cause__ = cause
    return error


def while_handling(error: BaseException, context: BaseException) -> BaseException:
    """Raise the error while the other one is being handled."""
    error.__context__ = context
    return error
