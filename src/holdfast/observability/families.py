"""Metrics as they are handed out: families of samples with the same labels, and what there is of them."""

from __future__ import annotations

from ..records import Record
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, TypeAlias

    Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
    Labels: TypeAlias = tuple[str, ...]

CATALOGUE: dict[str, tuple[Kind, Labels, str]] = {
    "circuit_breaker_calls_total": ("counter", ("name", "result"), "Calls by how they ended, refused ones included."),
    "circuit_breaker_state_changes_total": ("counter", ("name", "from_state", "to_state"), "Moves between states."),
    "circuit_breaker_state": ("gauge", ("name", "state"), "1 for the state that a circuit is in, 0 for the others."),
    "circuit_breaker_call_duration_seconds": (
        "histogram",
        ("name",),
        "How long calls took, without waiting in queues of holdfast's.",
    ),
    "bulkhead_executions_total": ("counter", ("name", "state"), "Calls by how they ended, refused ones included."),
    "bulkhead_active": ("gauge", ("name",), "Calls that run now."),
    "bulkhead_queued": ("gauge", ("name",), "Calls that wait now."),
    "bulkhead_available": ("gauge", ("name",), "Permits that are free now."),
    "rate_limit_requests_total": ("counter", ("name", "result"), "Calls by whether they were admitted."),
    "rate_limit_available": ("gauge", ("name",), "What may pass now without waiting."),
    "rate_limit_queued": ("gauge", ("name",), "Calls that wait for their turn now."),
    "fallback_answers_total": ("counter", ("name", "kind"), "Calls that failed and were answered for."),
    "retry_attempts_total": ("counter", ("name", "outcome"), "Attempts that failed, by what followed."),
    "retry_budget_refusals_total": ("counter", ("name",), "Retries that were not made as their budget was used up."),
    "timeout_operations_total": ("counter", ("name", "result"), "Calls that took too long."),
    "timeout_refusals_total": ("counter", (), "Calls not begun as no time or no worker was left."),
    "timeout_left_behind": ("gauge", ("name",), "Calls that timed out and still run in their threads."),
    "errors_total": ("counter", ("name", "category", "code"), "Failures of guarded calls, each counted once."),
}
"""All metrics by name: what kind they are, their labels, and what they tell."""


class HistogramValue(Record):
    """How many observations there were in each bucket, and their sum.

    `buckets` are (upper bound, number of observations up to it), the last bound being infinite.
    """

    buckets: tuple[tuple[float, int], ...]
    sum: float
    count: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; JSON knows no infinity, so the last bound is the text "+Inf"."""
        buckets = [["+Inf" if bound == float("inf") else bound, number] for bound, number in self.buckets]
        return {**super().as_dict(), "buckets": buckets}


class MetricFamily(Record):
    """All samples of one metric: `samples` gives a value for each combination of labels.

    `kind` is "counter", "gauge" or "histogram"; the values of the last are `HistogramValue`s.
    """

    name: str
    kind: Kind
    help: str
    labels: Labels
    samples: Mapping[Labels, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values: each sample with its labels by name."""
        return {
            "name": self.name,
            "kind": self.kind,
            "help": self.help,
            "samples": [
                {
                    "labels": dict(zip(self.labels, labels, strict=True)),
                    "value": value.as_dict() if isinstance(value, HistogramValue) else value,
                }
                for labels, value in self.samples.items()
            ],
        }


def family(name: str, samples: Mapping[Labels, Any]) -> MetricFamily:
    """Return the samples as the family of that name."""
    kind, labels, told = CATALOGUE[name]
    return MetricFamily(name=name, kind=kind, help=told, labels=labels, samples=samples)
