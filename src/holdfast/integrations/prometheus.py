"""Metrics of holdfast in a registry of `prometheus_client`, beside those of your own.

If you serve nothing else there, you do not need this: `holdfast.prometheus_text` writes the format without any package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from holdfast import get_metrics_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.observability import MetricFamily, MetricsRegistry

__all__ = ["HoldfastCollector"]


class HoldfastCollector(Collector):
    """A collector for `prometheus_client`: shows all metrics of holdfast whenever its registry is asked.

    * `metrics`: which ones; default `get_metrics_registry()`, those of the process. They are started if they are not.

    Calls that succeed cost nothing more, as nothing is counted twice: the numbers are read when they are asked for.

    >>> from prometheus_client import CollectorRegistry, generate_latest
    >>> registry = CollectorRegistry()
    >>> registry.register(HoldfastCollector())
    >>> b"circuit_breaker_calls_total" in generate_latest(registry)
    True
    """

    def __init__(self, metrics: MetricsRegistry | None = None) -> None:
        self._metrics = get_metrics_registry() if metrics is None else metrics
        self._metrics.start()

    def collect(self) -> Iterator[Any]:
        """Yield all metrics as they stand now."""
        return map(_filled, self._metrics.collect())

    def describe(self) -> Iterable[Any]:
        """Return what there is, without numbers, so that two collectors of the same names are found out at once."""
        return [_filled(each.replace(samples={})) for each in self._metrics.collect()]


def _filled(family: MetricFamily) -> Any:
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in family.samples.items():
            buckets = [("+Inf" if bound == float("inf") else repr(bound), number) for bound, number in value.buckets]
            histogram.add_metric(labels, buckets, value.sum)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    plain = kind(family.name, family.help, labels=family.labels)
    for labels, value in family.samples.items():
        plain.add_metric(labels, value)
    return plain
