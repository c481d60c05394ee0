"""The text format of Prometheus, version 0.0.4, as its documentation lays it down."""

from __future__ import annotations

from ..typed import TYPE_CHECKING
from .families import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .families import Labels, MetricFamily


def exposition(families: Iterable[MetricFamily]) -> str:
    """Return metric families as text; it can be encoded as UTF-8, whatever names guards have."""
    text = "".join(f"{line}\n" for each in families for line in _lines(each))
    return text.encode("utf-8", "replace").decode("utf-8")  # names that were counted are printable; see `as_label`


def _lines(family: MetricFamily) -> Iterator[str]:
    name = family.name
    told = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} {family.kind}"
    for labels in sorted(family.samples):
        value = family.samples[labels]
        if isinstance(value, HistogramValue):
            for bound, number in value.buckets:
                yield f"{name}_bucket{_labelled((*family.labels, 'le'), (*labels, _number(bound)))} {number}"
            yield f"{name}_sum{_labelled(family.labels, labels)} {_number(value.sum)}"
            yield f"{name}_count{_labelled(family.labels, labels)} {value.count}"
        else:
            yield f"{name}{_labelled(family.labels, labels)} {_number(value)}"


def _labelled(names: Labels, values: Labels) -> str:
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(value)
