"""The text format of Prometheus, read by the parser of its own client library."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies as st
from prometheus_client.parser import text_string_to_metric_families

from holdfast import (
    CircuitBreaker,
    create_circuit_breaker,
    get_metrics_registry,
    observability,
    prometheus_text,
    with_retry,
)
from holdfast.observability import CATALOGUE, CONTENT_TYPE, HistogramValue, MetricFamily, MetricsRegistry
from holdfast.observability.prometheus import exposition
from holdfast.testing import VirtualClock


def parsed(text: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, sample: str, **labels: str) -> float:
    found = [
        each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    assert len(found) == 1, found
    return float(found[0])


def test_all_metrics_are_read_by_the_real_parser_with_their_kind_and_help(clock: VirtualClock) -> None:
    with MetricsRegistry(durations=True, buckets=(0.1, 1)) as registry:
        breaker = CircuitBreaker(name="prices", clock=clock)
        breaker.execute(lambda: clock.advance(0.25))

        def fails() -> None:
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            with_retry(max_attempts=1)(breaker.protect(fails))()
        text = prometheus_text(registry)
    families = parsed(text)
    # The parser takes `_total` off the names of counters.
    assert {name.removesuffix("_total") for name in CATALOGUE} == families.keys()
    for name, (kind, _labels, told) in CATALOGUE.items():
        family = families[name.removesuffix("_total")]
        assert (family.type, family.documentation) == (kind, told)
    assert value(text, "circuit_breaker_calls_total", name="prices", result="success") == 1
    assert value(text, "errors_total", name="prices", category="TRANSIENT", code="CONNECTION_RESET") == 1
    duration = "circuit_breaker_call_duration_seconds"
    assert [value(text, f"{duration}_bucket", name="prices", le=le) for le in ("0.1", "1.0", "+Inf")] == [1, 2, 2]
    assert value(text, f"{duration}_sum", name="prices") == 0.25
    assert value(text, f"{duration}_count", name="prices") == 2


def test_the_text_has_help_and_type_lines_and_ends_with_a_newline() -> None:
    create_circuit_breaker('a "quoted" name\\').execute(lambda: 1)
    text = prometheus_text()
    assert text == get_metrics_registry().to_prometheus()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    lines = text.splitlines()
    assert lines[:2] == [
        "# HELP circuit_breaker_calls_total Calls by how they ended, refused ones included.",
        "# TYPE circuit_breaker_calls_total counter",
    ]
    assert 'circuit_breaker_calls_total{name="a \\"quoted\\" name\\\\",result="success"} 1' in lines
    assert "version=0.0.4" in CONTENT_TYPE


def test_a_metric_without_labels_and_values_that_are_no_whole_numbers_are_read() -> None:
    text = exposition(
        [
            MetricFamily(name="bare", kind="gauge", help="a \\ b\nc", labels=(), samples={(): 0.5}),
            MetricFamily(name="endless", kind="gauge", help="", labels=("name",), samples={("x",): math.inf}),
            MetricFamily(name="none", kind="counter", help="", labels=("name",), samples={}),
        ]
    )
    assert value(text, "bare") == 0.5
    assert value(text, "endless", name="x") == math.inf
    assert "# HELP bare a \\\\ b\\nc\n" in text
    assert "\nbare 0.5\n" in text


@given(st.lists(st.text(), min_size=1, unique=True))
def test_names_come_back_from_the_parser_as_they_were(names: list[str]) -> None:
    family = MetricFamily(
        name="calls",
        kind="gauge",
        help="",
        labels=("name",),
        samples={(name,): place for place, name in enumerate(names)},
    )
    (read,) = text_string_to_metric_families(exposition([family]))
    assert {each.labels["name"]: each.value for each in read.samples} == {
        name: float(place) for place, name in enumerate(names)
    }


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_can_be_sent_as_utf8(name: str) -> None:
    bucket = HistogramValue(buckets=((float("inf"), 1),), sum=1.5, count=1)
    family = MetricFamily(name="calls", kind="histogram", help=name, labels=("name",), samples={(name,): bucket})
    assert exposition([family]).encode("utf-8")


def test_names_that_are_not_there_are_refused_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match=r"module 'holdfast\.observability' has no attribute 'nonsense'"):
        _ = observability.nonsense
