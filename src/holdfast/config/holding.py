"""Where what is configured is kept in the process: how each section's things are looked up, put, and taken away.

What a file cannot say, such as a callback, stays as code has set it.
"""

from __future__ import annotations

from ..errors import ConfigurationError
from ..journal import logger
from ..resilience.policy import ResiliencePolicy
from ..retry.policy import RetryPolicy
from ..retry.presets import RETRY_POLICIES, register_retry_policy, registry as retry_policies
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING
from .claims import claims_on
from .schema import RETRY, SECTIONS, SHARED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import Any

    from ..registry import GuardRegistry
    from ..resilience.manager import ResilienceManager
    from ..timeout.config import TimeoutConfig
    from .claims import Holder
    from .schema import Table


_told: set[tuple[str, str]] = set()


def kept(what: str, thing: Any, before: Any, in_code: Iterable[str]) -> Any:
    """Return a config with those fields that code has set before, and that the configuration leaves alone."""
    for field in in_code:
        usual = getattr(type(thing), field)
        said = getattr(before, field, usual)
        if said is usual or getattr(thing, field) is not usual:
            continue
        try:
            thing = thing.replace(**{field: said})
        except ConfigurationError:
            if (what, field) not in _told:
                _told.add((what, field))
                logger("config").warning(
                    "%s: %s, which code has set, does not go with what the configuration says, so it is left out",
                    what,
                    field,
                )
    return thing


class _Policies:
    def __init__(
        self, manager: ResilienceManager, guards: dict[str, GuardRegistry[Any]], open_fallbacks: Collection[str]
    ) -> None:
        self.claims = claims_on(manager)
        self._manager = manager
        self._guards = guards
        self._open_fallbacks = open_fallbacks

    def names(self) -> Iterable[str]:
        return tuple(self._manager.registered)

    def get(self, name: str) -> ResiliencePolicy | None:
        return self._manager.registered.get(name)

    def blended(self, name: str, thing: ResiliencePolicy, before: ResiliencePolicy | None) -> ResiliencePolicy:
        what, changes = f"policies.{name}", {}
        for field, registry in self._guards.items():
            config: Any = getattr(thing, field)
            if config is None:
                continue
            own, there = config.own_name or name, getattr(before, field, None)
            if there is not None and (there.own_name or name) != own:
                there = None
            guard = registry.get_all().get(own)
            there = there if guard is None else guard.config
            changes[field] = kept(f"{what}.{field}", config, there, SECTIONS[SHARED[field]].in_code)
        if isinstance(thing.retry, RetryPolicy):
            named = thing.retry.name
            for said in (
                RETRY_POLICIES.get(named) if named in claims_on(retry_policies) else None,
                None if before is None else before.retry_policy,
            ):
                changes["retry"] = kept(f"{what}.retry", changes.get("retry", thing.retry), said, RETRY.in_code)
        if before is not None and name in self._open_fallbacks and not isinstance(before.fallback, str):
            changes["fallback"] = before.fallback
        fields = {field: getattr(thing, field) for field in ResiliencePolicy._fields}
        return ResiliencePolicy(**{**fields, **changes})

    def put(self, name: str, thing: ResiliencePolicy) -> None:
        self._manager.register(name, thing)

    def drop(self, name: str) -> None:
        self._manager.remove(name)


class _RetryPolicies:
    def __init__(self) -> None:
        self.claims = claims_on(retry_policies)

    def names(self) -> Iterable[str]:
        return tuple(RETRY_POLICIES)

    def get(self, name: str) -> RetryPolicy | None:
        return RETRY_POLICIES.get(name)

    def blended(self, name: str, thing: RetryPolicy, before: RetryPolicy | None) -> Any:
        return kept(f"retry.{name}", thing, before, RETRY.in_code)

    def put(self, name: str, thing: RetryPolicy) -> None:
        register_retry_policy(name, thing)

    def drop(self, name: str) -> None:
        retry_policies.drop(name)


class _Timeouts:
    def __init__(self) -> None:
        self.claims = claims_on(get_timeout_manager())

    def names(self) -> Iterable[str]:
        return tuple(get_timeout_manager().registered)

    def get(self, name: str) -> TimeoutConfig | None:
        return get_timeout_manager().registered.get(name)

    def blended(self, name: str, thing: TimeoutConfig, before: TimeoutConfig | None) -> Any:
        return kept(f"timeouts.{name}", thing, before, TIMEOUT.in_code)

    def put(self, name: str, thing: TimeoutConfig) -> None:
        get_timeout_manager().register(
            name, thing.seconds, fallback=thing.fallback, on_timeout=thing.on_timeout, mode=thing.mode
        )

    def drop(self, name: str) -> None:
        get_timeout_manager().remove(name)


class _Guards:
    """Guards that go by their own names. What only code can set is in none of what is looked up or put here."""

    def __init__(self, registry: GuardRegistry[Any], table: Table) -> None:
        self.claims = claims_on(registry)
        self._registry = registry
        self._in_code = tuple(table.in_code)

    def names(self) -> Iterable[str]:
        return tuple(self._registry.get_all())

    def get(self, name: str) -> Any:
        guard = self._registry.get_all().get(name)
        return None if guard is None else self._said(name, guard.config)

    def blended(self, name: str, thing: Any, before: Any) -> Any:  # noqa: ARG002  what is there says it
        return self._said(name, thing)

    def _said(self, name: str, config: Any) -> Any:
        return config.replace(name=name, **dict.fromkeys(self._in_code))

    def put(self, name: str, thing: Any) -> None:
        guard = self._registry.obtain(name, thing)
        if guard.settings is not thing:  # else it has just been made
            config: Any = guard.config
            guard.adjust(thing.replace(**{field: getattr(config, field) for field in self._in_code}))

    def drop(self, name: str) -> None:
        self._registry.remove(name)


def holders(manager: ResilienceManager, open_fallbacks: Collection[str] = ()) -> dict[str, Holder]:
    """Return what holds the things of each section, in the order in which they are put.

    `open_fallbacks`: names of the policies of which the configuration does not say what their fallback is.
    """
    around = manager.surroundings
    guards: dict[str, GuardRegistry[Any]] = {field: getattr(around, field) for field in SHARED}
    return {
        "retry": _RetryPolicies(),
        "timeouts": _Timeouts(),
        **{section: _Guards(guards[field], SECTIONS[section]) for field, section in SHARED.items()},
        "policies": _Policies(manager, guards, open_fallbacks),
    }


def guards_of(policies: Iterable[tuple[str, ResiliencePolicy]]) -> Iterator[tuple[str, str, Any]]:
    """Yield the guards that policies set: their section, name and config."""
    for name, policy in policies:
        for field, section in SHARED.items():
            config = getattr(policy, field)
            if config is not None:
                yield section, config.own_name or name, config
