"""Fallbacks by name, such as one for each type of service, and what may stand for a fallback."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigurationError, UnknownPolicyError
from ..registry import Binding, NamedRegistry
from ..settings import shown, text
from ..typed import TYPE_CHECKING
from .answers import Instead, LastGood, Value
from .config import FallbackConfig
from .guard import check_fits
from .manager import Fallback

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Unpack

    from .config import FurtherFields

_registry: NamedRegistry[Fallback] = NamedRegistry("fallback", UnknownPolicyError)

FALLBACKS: Mapping[str, Fallback] = _registry.view
"""Every registered fallback by name; read-only."""


def register_fallback(name: str, answer: Any = None, /, **fields: Unpack[FurtherFields]) -> Fallback:
    """Let `name` stand for a fallback from now on, also for functions that are decorated with it already.

    `answer` and `fields` are those of a `FallbackConfig`; `answer` may be a whole config or a `Fallback` as well. What
    the name has counted goes on being counted.

    >>> register_fallback("search", value=[]).name
    'search'

    Raises `ConfigurationError` as `FallbackConfig` does, and for a name with blanks in it.
    """
    name = text("register_fallback", "name", name)
    if _has_blanks(name):
        raise ConfigurationError(
            f"register_fallback: name must have no blanks in it, not {shown(name)}: a text with blanks is taken for an "
            f"answer where the name is used; write {shown('-'.join(name.split()))}"
        )
    if isinstance(answer, (FallbackConfig, Fallback)):
        if fields:
            raise ConfigurationError(
                f"register_fallback: a {type(answer).__name__} has its settings; give {', '.join(fields)} to it"
            )
        fallback = answer if isinstance(answer, Fallback) else Fallback(answer, name=name)
    else:
        fallback = Fallback(FallbackConfig(name=name, answer=answer, **fields))
    former = FALLBACKS.get(name)
    if former is not None and not isinstance(answer, Fallback):
        fallback.tally = former.tally
    _registry.put(name, fallback)
    return fallback


def get_fallback(name: str) -> Fallback:
    """Return the fallback of that name; raise `UnknownPolicyError`, with the nearest name, if there is none."""
    return _registry.get(name)


def unregister_fallback(name: str) -> bool:
    """Let `name` stand for nothing; return whether it stood for something."""
    return _registry.drop(name)


def as_name(owner: str, parameter: str, value: str, *, instead: str) -> str:
    """Return a text that names a fallback; `instead` is how to write one that is to be the answer itself, for `%s`.

    Raises `ConfigurationError` if it has blanks in it, as no name has.
    """
    name = text(owner, parameter, value)
    if _has_blanks(name):
        raise ConfigurationError(
            f"{owner}: {parameter}={shown(name)} is no name of a fallback, as there are blanks in it; to answer with "
            f"this text write {instead % shown(name)}"
        )
    return name


def _has_blanks(name: str) -> bool:
    return name.split() != [name]


def as_fallback(owner: str, value: Any) -> FallbackConfig | str:
    """Return what a user gave for a fallback as a config, or as the name it is; for whoever has a fallback in it.

    That is a function, an `Instead`, a `Value`, a `LastGood`, a mapping or a list of these, a config, or a registered
    name.

    Raises `ConfigurationError`, in which `owner` says whose setting it is, for anything else.
    """
    if isinstance(value, str):
        return as_name(owner, "fallback", value, instead=_IN_A_POLICY)
    if isinstance(value, FallbackConfig):
        return value
    if isinstance(value, Fallback):
        return value.config
    if isinstance(value, (Value, Instead, LastGood, list, tuple, Mapping)) or callable(value):
        try:
            return FallbackConfig(answer=value)
        except ConfigurationError as error:
            raise ConfigurationError(f"{owner}: fallback: {str(error).removeprefix('FallbackConfig: ')}") from None
    raise ConfigurationError(
        f"{owner}: fallback must be a function, a list of such, a LastGood, a FallbackConfig or the name of a "
        f"registered one, not {shown(value)}; a value is given as Value({shown(value)})"
    )


_IN_A_POLICY = "fallback=Value(%s)"


def bind_fallback(
    given: FallbackConfig | Fallback | str,
    function: Callable[..., Any],
    *,
    name: str | None = None,
    instead: str = _IN_A_POLICY,
) -> Binding[Any]:
    """Return what `guard.wrap` holds of a fallback for this function. A name is bound at the first call, if not before.

    `name` is that of the fallback, if it is made here; `instead` is as in `as_name`.
    """
    if isinstance(given, Fallback):
        return Binding.to(given)
    if isinstance(given, FallbackConfig):
        return Binding.to(Fallback(given, name=name))
    asked = given

    def find() -> Fallback:
        try:
            fallback = get_fallback(asked)
        except UnknownPolicyError as error:
            write = instead % shown(asked)
            raise UnknownPolicyError(f"{error}; to answer with this text write {write}") from None
        check_fits(fallback, function)
        return fallback

    binding = Binding(find)
    _registry.follow(asked, binding)
    if asked in FALLBACKS:
        binding.bind()
    return binding
