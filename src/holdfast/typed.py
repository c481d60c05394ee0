"""What the package uses of `typing` when it runs, without importing it.

Importing `typing`, and with it `re` and `contextlib`, takes a third as long as importing all the rest of holdfast. But
most of it is there for type checkers. So they see the real thing, and the program gets the little that it needs.

What stands only in annotations, which are never evaluated, needs nothing: it is imported from `typing` itself, below
`if TYPE_CHECKING`. So is everything in modules that are not imported before the first error.
"""

from __future__ import annotations

TYPE_CHECKING = False
"""Type checkers know it by its name and take it for true."""

if TYPE_CHECKING:
    from typing import Generic, Protocol, TypeVar, dataclass_transform, overload, runtime_checkable
else:
    from abc import ABCMeta
    from types import GenericAlias

    def overload(function):
        """Do nothing: the function that follows takes the name."""
        return function

    def dataclass_transform(**_options):
        """Return a decorator that does nothing."""
        return lambda decorated: decorated

    class TypeVar(str):
        """What stands in the brackets of `Generic`: no more than its name."""

        __slots__ = ()

    class Generic:
        """Base of classes that take types in brackets."""

        __slots__ = ()

        def __class_getitem__(cls, types):
            # A class that is made of `Generic[T]` is one of `Generic`; `RetryResult[int]` shows what users wrote.
            return cls if cls is Generic else GenericAlias(cls, types)

    class _ProtocolType(ABCMeta):
        """The class of protocols. What keeps to one is told by its `_methods`, if it is `runtime_checkable`."""

        def __subclasscheck__(cls, kind):
            return super().__subclasscheck__(kind) or cls._is_kept_by(kind)

        def __instancecheck__(cls, thing):
            return super().__instancecheck__(thing) or cls._is_kept_by(thing)

        def _is_kept_by(cls, thing):
            methods = vars(cls).get("_methods")  # its own, not a base's: a subclass of a protocol is none itself
            return methods is not None and all(callable(getattr(thing, method, None)) for method in methods)

    class Protocol(metaclass=_ProtocolType):
        """Base of protocols."""

        __slots__ = ()

    def runtime_checkable(protocol):
        """Let `isinstance` and `issubclass` look for the protocol's methods."""
        protocol._methods = frozenset(name for name in vars(protocol) if not name.startswith("_"))
        protocol.__abstractmethods__ = protocol._methods  # so that no object can be made of the protocol itself
        return protocol


__all__ = [
    "TYPE_CHECKING",
    "Generic",
    "Protocol",
    "TypeVar",
    "dataclass_transform",
    "overload",
    "runtime_checkable",
]
