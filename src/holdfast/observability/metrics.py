"""The metrics of this process: what guards count anyway is read when somebody looks, the rest is counted when it fails.

Nothing is added to a call that goes well. Retries, timeouts and errors are counted while the registry is started, by
listening to what is told of failures; durations only if they are asked for, as every call has to be timed then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from itertools import pairwise
from weakref import WeakMethod

from .. import events
from .._runtime.system import as_clock
from ..circuit_breaker.events import CircuitCallEnded
from ..circuit_breaker.herald import hear_calls, hear_no_calls
from ..correlation import get_correlation_id
from ..errors import ConfigurationError
from ..fallback.events import FallbackUsed
from ..records import Record, did_you_mean
from ..roll import Inbox, Names, as_label
from ..settings import boolean, shown, whole_number
from ..timeout.events import TimeoutExceeded
from ..typed import TYPE_CHECKING
from .families import CATALOGUE, HistogramValue, family
from .sources import known_anyway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from types import TracebackType
    from typing import Any, Self

    from ..clock import Clock
    from .families import Labels, MetricFamily

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds, of the histogram of durations, unless others are given."""

_DURATION = "circuit_breaker_call_duration_seconds"
_CODES_KEPT = 200

_COUNTED: dict[type[events.Event], Callable[[Any], tuple[str, Labels]]] = {
    events.RetryScheduled: lambda event: ("retry_attempts_total", (event.name, "retried")),
    events.RetryStopped: lambda event: ("retry_attempts_total", (event.name, "gave_up")),
    events.RetryBudgetRefused: lambda event: ("retry_budget_refusals_total", (event.name,)),
    TimeoutExceeded: lambda event: ("timeout_operations_total", (event.name, "timed_out")),
    FallbackUsed: lambda event: ("fallback_answers_total", (event.name, event.kind)),
    events.CallFailed: lambda event: ("errors_total", (event.name, event.category, event.code)),
    CircuitCallEnded: lambda event: (_DURATION, (event.name,)),
}
"""What each event is counted as."""


class ErrorReport(Record):
    """One failure of a guarded call: when, where, what kind, and for whom; never what its text says.

    `guard` is the kind of guard that saw it first, `name` that guard's name, or the function's.
    """

    time: datetime
    name: str
    guard: str
    category: str
    code: str
    error_type: str
    correlation_id: str | None


class MetricsRegistry:
    """Metrics of all guards of this process, whatever registry they are in, or none.

    * `durations`: time all calls through circuit breakers, for `circuit_breaker_call_duration_seconds`. Default False:
      it takes every such call off its quick path, while the registry is started.
    * `buckets`: upper bounds, in seconds, of that histogram.
    * `max_names`: how many names have series of their own; what comes later goes by "other". Default 1000.
    * `max_errors`: how many failures `recent_errors` remembers. Default 100.
    * `clock`: the time of failures; default the real one.

    Between `start()` and `stop()`, or in a `with` block, it counts retries, timeouts and errors. What guards count by
    themselves is there at any time, from when the registry was made; that of the process, which
    `get_metrics_registry()` returns, tells what there was from its beginning. Counters never go back, unless you
    `reset()` them.

    >>> from holdfast import create_circuit_breaker
    >>> with MetricsRegistry() as metrics:
    ...     breaker = create_circuit_breaker("kelp-prices")
    ...     breaker.execute(lambda: 42)
    ...     metrics.value("circuit_breaker_calls_total", name="kelp-prices", result="success")
    42
    1

    Raises `ConfigurationError` for what cannot work.
    """

    def __init__(
        self,
        *,
        durations: bool = False,
        buckets: Iterable[float] = BUCKETS,
        max_names: int = 1000,
        max_errors: int = 100,
        clock: Clock | None = None,
    ) -> None:
        owner = "MetricsRegistry"
        self._durations = boolean(owner, "durations", durations)
        self._bounds = _checked(buckets)
        self._clock = as_clock(clock)
        self._names = Names(whole_number(owner, "max_names", max_names))
        self._codes = Names(_CODES_KEPT)
        self._counts: dict[str, dict[Labels, int]] = {}
        self._observed: dict[Labels, tuple[list[int], list[float]]] = {}
        self._recent: deque[tuple[float, events.CallFailed, str | None]] = deque(
            maxlen=whole_number(owner, "max_errors", max_errors, least=0)
        )
        self._happened: Inbox[tuple[str, Labels, float]] = Inbox(self._count)
        self._ear = _Ear(self, durations=self._durations)
        self._before: dict[tuple[str, Labels], int] = {}  # what others had counted then
        self.reset()

    # Listening.

    @property
    def is_started(self) -> bool:
        """Whether failures are being counted."""
        return self._ear.is_open

    def start(self) -> Self:
        """Begin to count what fails; nothing to do if that is begun. A registry that nobody holds ends by itself."""
        try:
            self._ear.begin(watches=True)
        except BaseException:
            self._ear.end()
            raise
        return self

    def stop(self) -> None:
        """Count no further failures; what was counted stays."""
        self._ear.end()

    def reset(self) -> None:
        """Count from zero again, and forget the last failures, as between two tests."""
        before = {(metric, labels): number for metric, labels, number in known_anyway() if _only_grows(metric)}
        with self._happened.lock:
            self._happened.empty()
            self._before = before
            self._counts.clear()
            self._observed.clear()
            self._recent.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def hear(self, event: Any) -> None:
        """Something happened that is to be counted."""
        amount = event.duration if isinstance(event, CircuitCallEnded) else 1
        if amount is not None:
            self._happened.put((*_COUNTED[type(event)](event), amount))
        if isinstance(event, events.CallFailed):
            self._recent.append((self._clock.time(), event, get_correlation_id()))

    # Counting, under the inbox's lock.

    def _count(self, happened: tuple[str, Labels, float]) -> None:
        metric, labels, amount = happened
        labels = self._label(metric, labels)
        if metric == _DURATION:
            counts, total = self._observed.setdefault(labels, ([0] * len(self._bounds), [0.0]))
            total[0] += amount
            counts[bisect_left(self._bounds, amount)] += 1
            return
        samples = self._counts.setdefault(metric, {})
        samples[labels] = samples.get(labels, 0) + int(amount)

    def _label(self, metric: str, labels: Labels) -> Labels:
        """Return the labels with the name, and a code, replaced by "other" if there are too many of these."""
        if not labels:
            return labels
        name, *rest = labels
        if metric == "errors_total":
            rest[1] = self._codes.label(as_label(rest[1]))
        return (self._names.label(as_label(name)), *rest)

    # Showing.

    def collect(self) -> tuple[MetricFamily, ...]:
        """Return all metrics as they stand now, also those of which there is no sample."""
        found: dict[str, dict[Labels, Any]] = {metric: {} for metric in CATALOGUE}
        before = self._before  # first: what is read later is never less, whoever resets this meanwhile
        known = list(known_anyway())  # before the lock: a guard's clock or callback may be somebody else's code
        with self._happened.lock:
            self._happened.empty()
            new = [(metric, labels, number - before.get((metric, labels), 0)) for metric, labels, number in known]
            # Guards that are gone since before this registry began are none of its business.
            names = {labels[:1] for metric, labels, number in new if number or not _only_grows(metric)}
            for metric, labels, number in new:
                if not labels or labels[:1] in names:
                    samples = found[metric]
                    label = self._label(metric, labels)
                    samples[label] = samples.get(label, 0) + number
            for metric, counted in self._counts.items():
                found[metric].update(counted)
            for labels, (counts, total) in self._observed.items():
                found[_DURATION][labels] = self._histogram(counts, total[0])
        return tuple(family(metric, samples) for metric, samples in found.items())

    def _histogram(self, counts: list[int], total: float) -> HistogramValue:
        buckets = []
        so_far = 0
        for bound, number in zip(self._bounds, counts, strict=True):
            so_far += number
            buckets.append((bound, so_far))
        return HistogramValue(buckets=tuple(buckets), sum=total, count=so_far)

    def value(self, metric: str, **labels: str) -> Any:
        """Return the value of a metric: the sum of all samples that have these labels; of a histogram, their number.

        Raises `ConfigurationError` for a metric or a label that there is not.
        """
        if metric not in CATALOGUE:
            raise ConfigurationError(f"value: there is no metric {shown(metric)}; {did_you_mean(metric, CATALOGUE)}")
        known = CATALOGUE[metric][1]
        for label in labels:
            if label not in known:
                raise ConfigurationError(f"value: {metric} has no label {label!r}; {did_you_mean(label, known)}")
        wanted = [
            (known.index(label), as_label(value) if label in {"name", "code"} else value)
            for label, value in labels.items()
        ]
        samples = next(each.samples for each in self.collect() if each.name == metric)
        return sum(
            value.count if isinstance(value, HistogramValue) else value
            for labels_of, value in samples.items()
            if all(labels_of[place] == asked for place, asked in wanted)
        )

    def recent_errors(self, correlation_id: str | None = None) -> tuple[ErrorReport, ...]:
        """Return the last failures, the newest last; only those that belong to `correlation_id`, if it is given."""
        return tuple(
            ErrorReport(
                time=_moment(time),
                name=event.name,
                guard=event.guard,
                category=event.category,
                code=event.code,
                error_type=event.error_type,
                correlation_id=belongs_to,
            )
            for time, event, belongs_to in self._recent.copy()
            if correlation_id is None or belongs_to == correlation_id
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all metrics and the last failures as plain values, ready for JSON."""
        return {
            "metrics": [each.as_dict() for each in self.collect()],
            "recent_errors": [each.as_dict() for each in self.recent_errors()],
        }

    def to_prometheus(self) -> str:
        """Return all metrics in the text format of Prometheus; see `prometheus_text`."""
        from .prometheus import exposition

        return exposition(self.collect())


class _Ear(events.Ear):
    """Hears for a registry, for as long as somebody holds that."""

    __slots__ = ("_durations",)

    def __init__(self, registry: MetricsRegistry, *, durations: bool) -> None:
        super().__init__("metrics registry", WeakMethod(registry.hear), tuple(_COUNTED))
        self._durations = durations

    def begin(self, *, listens: bool = True, watches: bool = False) -> None:
        super().begin(listens=listens, watches=watches)
        if self._durations:
            hear_calls(self)

    def end(self) -> None:
        if self._durations:
            hear_no_calls(self)
        super().end()


def _moment(time: float) -> datetime:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(time, UTC)
    except (OverflowError, OSError, ValueError):  # a clock that shows what no calendar has
        return datetime.fromtimestamp(0, UTC)


def _checked(buckets: Any) -> tuple[float, ...]:
    """Return the bounds with an infinite one at the end; refuse what is not rising."""
    try:
        bounds = tuple(float(bound) for bound in buckets)
    except (TypeError, ValueError):
        bounds = ()
    if bounds[-1:] != (float("inf"),):
        bounds = (*bounds, float("inf"))
    if len(bounds) < 2 or not all(low < high for low, high in pairwise(bounds)):
        raise ConfigurationError(
            f"MetricsRegistry: buckets must be rising numbers of seconds such as (0.1, 1, 10), not {shown(buckets)}"
        )
    return bounds


def _only_grows(metric: str) -> bool:
    return CATALOGUE[metric][0] == "counter"


def _from_the_beginning() -> MetricsRegistry:
    registry = MetricsRegistry()
    registry._before = {}  # noqa: SLF001  our own
    return registry


process_wide = _from_the_beginning()
"""The registry of this process."""
