"""Metrics and span events for OpenTelemetry, by its API; which SDK and exporter receives them is yours to set up."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation, get_meter
from opentelemetry.trace import get_current_span

from holdfast import get_metrics_registry, set_trace_hook
from holdfast.observability import CATALOGUE, HistogramValue, MetricFamily, MetricsRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["export_metrics", "put_on_spans"]

_INSTRUMENTATION = "holdfast"


def export_metrics(meter_provider: MeterProvider | None = None, metrics: MetricsRegistry | None = None) -> None:
    """Have a meter observe all metrics of holdfast. Call it once, when the program starts.

    * `meter_provider`: whose meter; default the global one.
    * `metrics`: which ones; default `get_metrics_registry()`, those of the process. They are started if they are not.

    The instruments are called as for Prometheus, a counter without its ``_total``, which OpenTelemetry's exporter for
    Prometheus adds again. Durations, where `metrics` has them, come as their sum and their number, because there are no
    histograms that are observed.

    >>> from opentelemetry.sdk.metrics import MeterProvider
    >>> from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    >>> reader = InMemoryMetricReader()
    >>> export_metrics(MeterProvider([reader]))
    >>> seen = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    >>> [metric.unit for metric in seen if metric.name == "timeout_refusals"]
    ['1']
    """
    shown = get_metrics_registry() if metrics is None else metrics
    meter = get_meter(_INSTRUMENTATION, meter_provider=meter_provider)
    reading = _Reading(shown.start())
    for name, (kind, _, told) in CATALOGUE.items():
        if kind == "gauge":
            meter.create_observable_gauge(name, [reading.of(name)], "1", told)
        elif kind == "counter":
            meter.create_observable_counter(name.removesuffix("_total"), [reading.of(name)], "1", told)
        else:
            meter.create_observable_counter(f"{name}_sum", [reading.of(name, _sum)], "s", told)
            meter.create_observable_counter(f"{name}_count", [reading.of(name, _count)], "1", told)


class _Reading:
    """Metrics are read once for all instruments that an exporter asks one after the other."""

    def __init__(self, metrics: MetricsRegistry) -> None:
        self._metrics = metrics
        self._lock = Lock()
        self._left: dict[Callable[[CallbackOptions], Iterator[Observation]], MetricFamily] = {}
        self._callbacks: dict[str, list[Callable[[CallbackOptions], Iterator[Observation]]]] = {}

    def of(
        self, name: str, part: Callable[[HistogramValue], float] | None = None
    ) -> Callable[[CallbackOptions], Iterator[Observation]]:
        """Return the callback of an instrument."""

        def observe(_options: CallbackOptions) -> Iterator[Observation]:
            family = self._read(observe)
            for labels, value in family.samples.items():
                number = value if part is None else part(value)
                yield Observation(number, dict(zip(family.labels, labels, strict=True)))

        self._callbacks.setdefault(name, []).append(observe)
        return observe

    def _read(self, callback: Callable[[CallbackOptions], Iterator[Observation]]) -> MetricFamily:
        """Return what was read for a callback, and read anew when it asks for the second time."""
        with self._lock:
            if callback not in self._left:
                families = self._metrics.collect()
                self._left = {each: family for family in families for each in self._callbacks[family.name]}
            return self._left.pop(callback)


def _sum(value: HistogramValue) -> float:
    return value.sum


def _count(value: HistogramValue) -> float:
    return value.count


def put_on_spans(*, as_events: bool = True) -> Callable[[], None]:
    """Put what fails or waits on the span of the call; return a function that ends it.

    * `as_events`: as an event "resilience" for each, so that a span shows every attempt. With False, as attributes of
      the span, of which the last one stays.

    It is told where it happens, in the thread or task of the call. A span that is not recording costs next to nothing.
    This takes the place of a hook that was given to `holdfast.set_trace_hook`.

    >>> end = put_on_spans()
    >>> end()
    """
    set_trace_hook(_add_event if as_events else _set_attributes)
    return lambda: set_trace_hook(None)


def _add_event(attributes: Mapping[str, str | int | bool]) -> None:
    get_current_span().add_event("resilience", attributes)


def _set_attributes(attributes: Mapping[str, str | int | bool]) -> None:
    get_current_span().set_attributes(attributes)
