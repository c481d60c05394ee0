"""What can be seen of guarded calls: metrics, errors by correlation id, attributes for traces, ids in logs.

The names are here at once, what is behind them is imported when it is used: most programs start without it.
"""

from __future__ import annotations

from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from .families import CATALOGUE, HistogramValue, MetricFamily
    from .logs import CorrelationFilter, install_correlation_filter
    from .metrics import ErrorReport, MetricsRegistry
    from .traces import TraceHook

__all__ = [
    "CATALOGUE",
    "CONTENT_TYPE",
    "CorrelationFilter",
    "ErrorReport",
    "HistogramValue",
    "MetricFamily",
    "MetricsRegistry",
    "get_metrics_registry",
    "install_correlation_filter",
    "prometheus_text",
    "set_trace_hook",
]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What an HTTP endpoint that serves `prometheus_text` says in its Content-Type."""

_HOMES = {
    "CATALOGUE": "families",
    "CorrelationFilter": "logs",
    "ErrorReport": "metrics",
    "HistogramValue": "families",
    "MetricFamily": "families",
    "MetricsRegistry": "metrics",
    "install_correlation_filter": "logs",
}


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    from importlib import import_module

    thing = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return thing


def get_metrics_registry() -> MetricsRegistry:
    """Return the `MetricsRegistry` of this process. It does not count failures before it is told to `start()`.

    >>> get_metrics_registry().value("errors_total")
    0
    """
    from .metrics import process_wide

    return process_wide


def prometheus_text(registry: MetricsRegistry | None = None) -> str:
    """Return the metrics of `registry`, default that of the process, in the text format of Prometheus.

    Serve it with the content type `holdfast.observability.CONTENT_TYPE`.

    >>> print(prometheus_text().splitlines()[0])
    # HELP circuit_breaker_calls_total Calls by how they ended, refused ones included.
    """
    return (get_metrics_registry() if registry is None else registry).to_prometheus()


def set_trace_hook(hook: TraceHook | None) -> None:
    """Call `hook(attributes)` whenever something fails or waits, where that happens; None calls nothing any more.

    `attributes` is a mapping of `resilience.operation` (the name of the guard or function) and what else there is to
    say: `retry.attempt`, `circuit.state`, `timeout.exceeded`, `bulkhead.queue_position`, `error.type`. A hook that
    raises is logged once. It takes the place of the one before.

    >>> seen = []
    >>> set_trace_hook(seen.append)
    >>> from holdfast import create_circuit_breaker
    >>> create_circuit_breaker("prices").force_open()
    >>> seen
    [{'resilience.operation': 'prices', 'circuit.state': 'open'}]
    >>> set_trace_hook(None)

    Raises `ConfigurationError` if `hook` is no plain function.
    """
    from .traces import set_hook

    set_hook(hook)
