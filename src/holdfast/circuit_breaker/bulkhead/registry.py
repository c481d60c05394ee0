"""Bulkheads by name: one for each dependency, shared by all who call it."""

from __future__ import annotations

from ...registry import GuardRegistry
from ...settings import whole_number
from ...typed import TYPE_CHECKING
from .config import BulkheadConfig
from .manager import Bulkhead

if TYPE_CHECKING:
    from typing import Unpack

    from ...clock import Clock
    from .config import BulkheadMetrics, NamelessBulkheadFields

_DEFAULT = BulkheadConfig()


class BulkheadRegistry(GuardRegistry[Bulkhead]):
    """Bulkheads by name, made at their first use; thread-safe.

    `max_bulkheads` bounds how many there are (default 10,000), so that there may be one for each host or tenant: beyond
    it the one goes that was asked for least recently. None goes in which calls run or wait, and none to which a
    decorated function is bound by its name.

    >>> registry = BulkheadRegistry()
    >>> registry.get_or_create("search", max_concurrent=3) is registry.get_or_create("search")
    True

    Raises `ConfigurationError` if `max_bulkheads` is no whole number of at least 1.
    """

    kind = "bulkhead"
    config_type = BulkheadConfig

    def __init__(self, *, max_bulkheads: int = 10_000, clock: Clock | None = None) -> None:
        super().__init__(whole_number("BulkheadRegistry", "max_bulkheads", max_bulkheads))
        self._clock = clock

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
        return self.obtain(name, self.wanted(config, overrides), checked=True, replace=replace)

    def _make(self, name: str, config: BulkheadConfig | None) -> Bulkhead:
        return Bulkhead(_DEFAULT if config is None else config, name=name, clock=self._clock)

    def _may_go(self, guard: Bulkhead) -> bool:
        stats = guard.stats
        return not stats.active and not stats.queued

    def get_all_metrics(self) -> dict[str, BulkheadMetrics]:
        """Return the metrics of all bulkheads by name."""
        return {name: bulkhead.metrics for name, bulkhead in self.get_all().items()}


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
