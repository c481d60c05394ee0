"""What decorators of guards have in common that functions share by name: how one is asked for, and put on."""

from __future__ import annotations

from .._runtime.callables import guarded
from ..errors import ConfigurationError
from ..functions import name_of
from ..journal import report_broken
from ..settings import optional_callable, shown, text
from ..typed import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ParamSpec, TypeVar

    from ..registry import GuardRegistry

    P = ParamSpec("P")
    R = TypeVar("R")


_REGISTRIES = {
    "circuit breaker": "get_breaker_registry",
    "bulkhead": "get_bulkhead_registry",
    "rate limiter": "get_rate_limiter_registry",
}
"""What gives the registry in which the guards of a kind are."""


class Guard(Protocol):
    """A decorator that keeps the exact type of what it decorates."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function`, guarded."""
        ...


class Pattern:
    """A kind of guard that functions share by name; `number` is the field that a mere number is likely to be for."""

    def __init__(
        self,
        decorator: str,
        guard: Any,
        registry: GuardRegistry[Any],
        wrap: Callable[[Any, Any], Any],
        wrap_each: Callable[[Any, Any], Any],
        *,
        number: str = "",
    ) -> None:
        self.decorator = decorator
        self.guard = guard
        self.registry = registry
        self.wrap = wrap
        self.wrap_each = wrap_each
        self.number = number

    def protect(self, guard: Any, function: Any) -> Any:
        """Return `function` guarded by `guard`."""
        return guard.protect(function)


def shared(
    pattern: Pattern, given: Any, config: Any, overrides: Mapping[str, Any], key: Callable[..., object] | None
) -> Any:
    """Return the decorator, or, for a function, the function decorated."""
    registry, kind = pattern.registry, pattern.registry.kind
    if "replace" in overrides:
        raise ConfigurationError(
            f"{pattern.decorator} replaces no {kind}; to have another one in its place, call "
            f"{_REGISTRIES[kind]}().get_or_create(name, config, replace=True), and decorate with the name alone"
        )
    if isinstance(given, pattern.guard):
        if config is not None or overrides or key is not None:
            raise ConfigurationError(f"{pattern.decorator}: a {pattern.guard.__name__} has its config; give no other")
        return lambda function: pattern.protect(given, function)
    if isinstance(given, registry.config_type):
        if config is not None:
            raise ConfigurationError(f"{pattern.decorator}: give one config, not two")
        given, config = given.own_name, given
    if fix := _keyword_for(pattern, config):
        raise ConfigurationError(
            f"{pattern.decorator}: config must be a {registry.config_type.__name__}, not {shown(config)}{fix}"
        )
    wanted = registry.wanted(config, overrides)
    if isinstance(given, str):
        return _by_name(pattern, text(pattern.decorator, "name", given), wanted, key)
    if key is not None:
        raise ConfigurationError(
            f"{pattern.decorator}: with a key, give a name too, under which each key has its {kind}: "
            f'{pattern.decorator}("api", key=...)'
        )
    if given is None:
        return lambda function: _own(pattern, wanted, function)
    if callable(given) or hasattr(type(given), "__get__"):
        return _own(pattern, wanted, given)
    raise TypeError(
        f"{pattern.decorator} takes a name, a {registry.config_type.__name__}, a {pattern.guard.__name__} or a "
        f"function, not {shown(given)}; settings are given by keyword{_keyword_for(pattern, given)}"
    )


def _keyword_for(pattern: Pattern, given: object) -> str:
    """Return how to write a number that was given without its keyword, after a message; "" if it is none."""
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    return f"; write {pattern.number}={given}" if is_number and pattern.number else ""


def _own(pattern: Pattern, config: Any, function: Any) -> Any:
    """Guard a function by one that no other function has, and that goes by the function's name."""
    name = name_of(getattr(function, "__func__", function))
    return pattern.protect(pattern.guard(config, name=name), function)


def _by_name(pattern: Pattern, name: str, config: Any, key: Callable[..., object] | None) -> Callable[[Any], Any]:
    registry = pattern.registry
    optional_callable(pattern.decorator, "key", key, "(*args, **kwargs) of the guarded function")
    if config is not None:
        advice = (
            "or give the config in one place and the name alone in the others (to change it while the program runs: "
            f"{_REGISTRIES[registry.kind]}().get_or_create({name!r}, ..., replace=True))"
        )
        registry.obtain(name, config, checked=True, advice=advice)

    def each(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert key is not None  # noqa: S101  else the calls are all alike
        one = name
        try:
            one = f"{name}[{key(*args, **kwargs)}]"
        except Exception:
            so = f", so the shared {registry.kind} {name!r} guards this call"
            report_broken(pattern.decorator, "the key", key, so=so)
        return registry.obtain(one, config)

    def protect(function: Any) -> Any:
        if key is not None:
            return guarded(function, registry.kind, lambda inner: pattern.wrap_each(each, inner))
        binding = registry.binding(name, config)
        return guarded(function, registry.kind, lambda inner: pattern.wrap(binding, inner))

    return protect
