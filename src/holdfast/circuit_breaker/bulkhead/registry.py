"""Bulkheads by name: one for each dependency, shared by all who call it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ..._runtime.callables import guarded
from ...errors import ConfigurationError
from ...functions import name_of
from ...records import did_you_mean
from ...settings import shown, text
from .config import BulkheadConfig
from .guard import wrap
from .manager import Bulkhead

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from ...clock import Clock
    from .config import BulkheadMetrics, NamelessBulkheadFields

_DEFAULT = BulkheadConfig()


class BulkheadRegistry:
    """Bulkheads by name, made at their first use; thread-safe.

    >>> registry = BulkheadRegistry()
    >>> registry.get_or_create("search", max_concurrent=3) is registry.get_or_create("search")
    True
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock
        self._bulkheads: dict[str, Bulkhead] = {}
        self._explicit: dict[str, BulkheadConfig] = {}
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may use the registry

    def get_or_create(
        self,
        name: str,
        config: BulkheadConfig | None = None,
        *,
        replace: bool = False,
        **overrides: Unpack[NamelessBulkheadFields],
    ) -> Bulkhead:
        """Return the bulkhead of that name, made now if there is none.

        Raises `ConfigurationError` if there is one with another config than the one given here, unless `replace` is
        true, which puts a new one in its place. Calls under way end in the old one; decorated functions use the new one
        from their next call on.
        """
        name = text("BulkheadRegistry", "name", name)
        wanted = _as_config(name, config, overrides)
        with self._lock:
            bulkhead = self._bulkheads.get(name)
            if bulkhead is not None and not replace:
                known = self._explicit.get(name)
                if wanted is None or wanted == known:
                    return bulkhead
                if known is not None:
                    raise ConfigurationError(
                        f"there is a bulkhead {name!r} already, with {known!r}, not {wanted!r}; give it another name, "
                        "leave the config out, or say replace=True"
                    )
                # Until now nobody had said what it should be like.
            made = Bulkhead(BulkheadConfig(name=name) if wanted is None else wanted, clock=self._clock)
            self.remove(name)
            self._bulkheads[name] = made
            if wanted is not None:
                self._explicit[name] = wanted
            return made

    def obtain(self, name: str, config: BulkheadConfig | None) -> Bulkhead:
        """Return the bulkhead of that name, whatever its config; made with this one if there is none."""
        bulkhead = self._bulkheads.get(name)
        if bulkhead is not None:
            return bulkhead
        with self._lock:
            return self._bulkheads[name] if name in self._bulkheads else self.get_or_create(name, config)

    def get(self, name: str) -> Bulkhead:
        """Return the bulkhead of that name; raise `LookupError`, with the nearest name, if there is none."""
        bulkhead = self._bulkheads.get(name)
        if bulkhead is None:
            raise LookupError(f"there is no bulkhead named {shown(name)}; {did_you_mean(name, tuple(self._bulkheads))}")
        return bulkhead

    def has(self, name: str) -> bool:
        """Whether there is a bulkhead of that name."""
        return name in self._bulkheads

    def remove(self, name: str) -> bool:
        """Drop the bulkhead of that name; return whether there was one. Who holds it can go on using it."""
        with self._lock:
            self._explicit.pop(name, None)
            bulkhead = self._bulkheads.pop(name, None)
            if bulkhead is None:
                return False
            bulkhead.line.retire()
            return True

    def get_all(self) -> dict[str, Bulkhead]:
        """Return all bulkheads by name."""
        with self._lock:
            return dict(self._bulkheads)

    def get_all_metrics(self) -> dict[str, BulkheadMetrics]:
        """Return the metrics of all bulkheads by name."""
        return {name: bulkhead.metrics for name, bulkhead in self.get_all().items()}


def _as_config(name: str, config: Any, overrides: NamelessBulkheadFields) -> BulkheadConfig | None:
    """Return what was given as one config of that name, or None if nothing was."""
    if config is None:
        return BulkheadConfig(name=name, **overrides) if overrides else None
    if not isinstance(config, BulkheadConfig):
        raise ConfigurationError(f"a bulkhead's config must be a BulkheadConfig, not {shown(config)}")
    return config.replace(**overrides).replace(name=name)


_process_wide = BulkheadRegistry()


def get_bulkhead_registry() -> BulkheadRegistry:
    """Return the registry of this process, in which the decorator `bulkhead` finds its bulkheads."""
    return _process_wide


def create_bulkhead(name: str, max_concurrent: int = 10, max_queue: int = 50) -> Bulkhead:
    """Return a bulkhead that is in no registry.

    >>> create_bulkhead("search", 2, 0).stats
    BulkheadStats(active=0, queued=0, available=2)

    Raises `ConfigurationError` as `BulkheadConfig` does.
    """
    return Bulkhead(BulkheadConfig(name=name, max_concurrent=max_concurrent, max_queue=max_queue))


def protector(given: Any, config: BulkheadConfig | None, overrides: NamelessBulkheadFields) -> Callable[[Any], Any]:
    """Return the decorator that `bulkhead(given, config, **overrides)` stands for; `bulkhead` tells the rest."""
    if isinstance(given, Bulkhead):
        if config is not None or overrides:
            raise ConfigurationError("bulkhead: a Bulkhead has its config; give no other")
        return given.protect
    if isinstance(given, str):
        return _shared(given, _as_config(text("bulkhead", "name", given), config, overrides))
    if isinstance(given, BulkheadConfig) or given is None:
        base = given or config or _DEFAULT
        return _of_its_own(_as_config(base.name, base, overrides) or base)
    raise TypeError(f"bulkhead takes a name, a BulkheadConfig or a Bulkhead, not {shown(given)}")


def _of_its_own(config: BulkheadConfig) -> Callable[[Any], Any]:
    def protect(function: Any) -> Any:
        name = config.name
        if name == _DEFAULT.name:
            name = name_of(getattr(function, "__func__", function))
        return Bulkhead(config, name=name).protect(function)

    return protect


def _shared(name: str, wanted: BulkheadConfig | None) -> Callable[[Any], Any]:
    registry = _process_wide
    if wanted is not None:
        registry.get_or_create(name, wanted)

    def find() -> Bulkhead | None:
        return registry.get(name) if registry.has(name) else None

    def protect(function: Any) -> Any:
        return guarded(function, "bulkhead", lambda inner: wrap(find, inner, lambda: registry.obtain(name, wanted)))

    return protect
