"""Where what is configured is kept in the process: how each section's things are looked up, put, and taken away."""

from __future__ import annotations

from ..retry.presets import RETRY_POLICIES, register_retry_policy, registry as retry_policies
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING, Protocol
from .schema import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..registry import GuardRegistry
    from ..resilience.manager import ResilienceManager
    from ..resilience.policy import ResiliencePolicy
    from ..retry.policy import RetryPolicy
    from ..timeout.config import TimeoutConfig
    from .schema import Table


class Holder(Protocol):
    """What holds the things of one section by name."""

    def names(self) -> Iterable[str]:
        """All that are there."""
        ...

    def get(self, name: str) -> Any:
        """Return what is there under the name, as it is set; None if there is nothing."""
        ...

    def put(self, name: str, thing: Any) -> None:
        """Have the name stand for what is set so, with the state that it has."""
        ...

    def drop(self, name: str) -> None:
        """Have the name stand for nothing."""
        ...


class _Policies:
    def __init__(self, manager: ResilienceManager) -> None:
        self._manager = manager

    def names(self) -> Iterable[str]:
        return tuple(self._manager.registered)

    def get(self, name: str) -> ResiliencePolicy | None:
        return self._manager.registered.get(name)

    def put(self, name: str, thing: ResiliencePolicy) -> None:
        self._manager.register(name, thing)

    def drop(self, name: str) -> None:
        self._manager.remove(name)


class _RetryPolicies:
    def names(self) -> Iterable[str]:
        return tuple(RETRY_POLICIES)

    def get(self, name: str) -> RetryPolicy | None:
        return RETRY_POLICIES.get(name)

    def put(self, name: str, thing: RetryPolicy) -> None:
        register_retry_policy(name, thing)

    def drop(self, name: str) -> None:
        retry_policies.drop(name)


class _Timeouts:
    def names(self) -> Iterable[str]:
        return tuple(get_timeout_manager().registered)

    def get(self, name: str) -> TimeoutConfig | None:
        return get_timeout_manager().registered.get(name)

    def put(self, name: str, thing: TimeoutConfig) -> None:
        get_timeout_manager().register(
            name, thing.seconds, fallback=thing.fallback, on_timeout=thing.on_timeout, mode=thing.mode
        )

    def drop(self, name: str) -> None:
        get_timeout_manager().remove(name)


class _Guards:
    """Guards that go by their own names. What only code can set, such as a callback, stays as code has set it."""

    def __init__(self, registry: GuardRegistry[Any], table: Table) -> None:
        self._registry = registry
        self._in_code = tuple(table.in_code)

    def names(self) -> Iterable[str]:
        return tuple(self._registry.get_all())

    def get(self, name: str) -> Any:
        guard = self._registry.get_all().get(name)
        if guard is None:
            return None
        config: Any = guard.config
        return config.replace(**dict.fromkeys(self._in_code))

    def put(self, name: str, thing: Any) -> None:
        guard = self._registry.obtain(name, thing)
        config: Any = guard.config
        wanted = thing.replace(**{field: getattr(config, field) for field in self._in_code})
        if config != wanted:
            guard.adjust(wanted)

    def drop(self, name: str) -> None:
        self._registry.remove(name)


def holders(manager: ResilienceManager) -> dict[str, Holder]:
    """Return what holds the things of each section, in the order in which they are put."""
    around = manager.surroundings
    return {
        "retry": _RetryPolicies(),
        "timeouts": _Timeouts(),
        "circuit_breakers": _Guards(around.circuit_breaker, SECTIONS["circuit_breakers"]),
        "bulkheads": _Guards(around.bulkhead, SECTIONS["bulkheads"]),
        "rate_limits": _Guards(around.rate_limit, SECTIONS["rate_limits"]),
        "policies": _Policies(manager),
    }
