"""What is observed of the guards in one run: by metrics, by health reports, and by listening to them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple, Self

from holdfast import (
    get_breaker_registry,
    get_bulkhead_registry,
    get_health_status,
    get_timeout_manager,
    resilience_manager,
)
from holdfast.events import subscribe
from holdfast.observability import MetricsRegistry
from holdfast.timeout import TimeoutExceeded

from .clients import POLICY, ask_with_urllib_under_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from holdfast import CircuitState

    Counts: TypeAlias = Mapping[str, Mapping[tuple[str, ...], int]]

NAME = "demo"
"""The name under which all calls are guarded; their samples have it as their label `name`."""

CALLS = "circuit_breaker_calls_total"
MOVES = "circuit_breaker_state_changes_total"
RETRIED = "retry_attempts_total"
TIMEOUTS = "timeout_operations_total"
PERMITS = "bulkhead_executions_total"
ERRORS = "errors_total"
METRICS = (CALLS, MOVES, RETRIED, TIMEOUTS, PERMITS, ERRORS)
"""The metrics that are shown, in this order."""

_FROM_GOOD_TO_BAD = ("healthy", "degraded", "unhealthy")
_LOOK = 0.01  # seconds between two looks at attempts that are left behind


class GuardsReport(NamedTuple):
    """What was observed of the guards of a run.

    `counts` are the metrics: for each of them, the counts by their labels, without the name. `queued` is how many
    calls had to wait for a permit, `most_left_behind` how many attempts that were cut short went on in their threads at
    the same time, at most, and `left_behind` how many do so now. `worst_health` is the worst status that was met while
    the server was down, or None if nobody looked, and `health` the one in the end.
    """

    counts: Counts
    state: CircuitState
    queued: int
    most_left_behind: int
    left_behind: int
    worst_health: str | None
    health: str

    @property
    def opened(self) -> int:
        """How often the circuit opened."""
        return sum(number for (_, new), number in self.counts[MOVES].items() if new == "open")

    @property
    def refused(self) -> int:
        """How many calls, or further attempts at them, the circuit refused."""
        return self.counts[CALLS].get(("rejected",), 0)

    @property
    def admitted(self) -> int:
        """How many attempts the circuit let pass."""
        return sum(self.counts[CALLS].values()) - self.refused

    @property
    def cut_short(self) -> int:
        """How many attempts took too long."""
        return sum(self.counts[TIMEOUTS].values())


class Observed:
    """Observes the guards of one run, in a ``with`` block. They are new when it begins and gone when it ends.

    An attempt may take `attempt_timeout` seconds. A blocking one that is cut short goes on in its thread until the
    client's own timeout ends it, and keeps its permit until then: what the bulkhead promises holds for those that were
    left behind as well.
    """

    def __init__(self, attempt_timeout: float) -> None:
        self.metrics = MetricsRegistry()  # counts from now on, whatever was before
        self.moves: list[CircuitState] = []
        self.queued: list[int] = []
        self.left_behind: list[int] = []
        self._attempt_timeout = attempt_timeout
        self._seen: list[str] = []
        self._endings: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        # What is registered under a name counts instead of what the code says, as for another plan's patience.
        resilience_manager.register(NAME, POLICY, timeout=self._attempt_timeout)
        breaker = get_breaker_registry().get_or_create(NAME, POLICY.circuit_breaker, replace=True)
        bulkhead = get_bulkhead_registry().get_or_create(NAME, POLICY.bulkhead, replace=True)
        self._endings = [
            breaker.on("state_change", lambda event: self.moves.append(event.new)),
            bulkhead.on("queued", lambda event: self.queued.append(event.position)),
            subscribe(lambda _: self.left_behind.append(left_behind_now()), TimeoutExceeded),
            self.metrics.start().stop,
        ]
        return self

    def __exit__(self, *_: object) -> None:
        while self._endings:  # nothing here is to hold a guard of a run that is over: it would count in health reports
            self._endings.pop()()
        get_breaker_registry().remove(NAME)
        get_bulkhead_registry().remove(NAME)
        resilience_manager.remove(NAME)

    def look(self) -> None:
        """See how the guards are doing, as a health endpoint would tell."""
        self._seen.append(get_health_status().status)

    def see_out(self, seconds: float) -> None:
        """Wait until no attempt is left behind any more; not longer than so many seconds, though."""
        until = time.monotonic() + seconds
        while left_behind_now() and time.monotonic() < until:
            time.sleep(_LOOK)

    def report(self) -> GuardsReport:
        """Return what there is to tell so far."""
        return GuardsReport(
            counts=counts_of(self.metrics),
            state=get_breaker_registry().get(NAME).state,
            queued=len(self.queued),
            most_left_behind=max(self.left_behind, default=0),
            left_behind=left_behind_now(),
            worst_health=max(self._seen, key=_FROM_GOOD_TO_BAD.index, default=None),
            health=get_health_status().status,
        )


def left_behind_now() -> int:
    """Return how many attempts were cut short and still run in their threads."""
    return get_timeout_manager().metrics.left_behind.get(ask_with_urllib_under_policy.__qualname__, 0)


def counts_of(metrics: MetricsRegistry) -> Counts:
    """Return what the metrics tell of the demonstration's calls; what is none is left out."""
    samples = {family.name: family.samples for family in metrics.collect()}
    return {
        metric: {
            tuple(labels): number for (name, *labels), number in samples[metric].items() if name == NAME and number
        }
        for metric in METRICS
    }
