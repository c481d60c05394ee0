"""The settings of the three guards, and why they are what they are; and the circuit breaker and bulkhead of one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from holdfast import (
    BackoffConfig,
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    RetryPolicy,
)

if TYPE_CHECKING:
    from holdfast import Clock

RETRIES = RetryPolicy(
    name="demo",
    max_attempts=8,
    backoff=BackoffConfig(type="exponential", initial_delay=0.1, max_delay=0.4, multiplier=2.0, jitter_factor=0.5),
    total_timeout=4.0,
)
"""Impatient delays, for a demonstration that ends soon; even the shortest of them add up to more than the outage."""

BREAKER = CircuitBreakerConfig(
    name="demo",
    # In the rough time about a quarter of the attempts fail, and the circuit has to bear that: six failures in a row
    # are rare then, and so are twelve among the last twenty. In the outage it takes just six attempts.
    failure_threshold=6,
    window_size=20,
    failure_rate_threshold=0.6,
    # The outage takes little more than half a second, in which there are to be a few looks at the server and not many.
    # A real service is better left alone for 30 seconds, which is the default.
    reset_timeout=0.17,
    half_open_max_calls=2,
    success_threshold=2,
)
"""Bears the rough time, opens soon in the outage, and closes soon after it."""

BULKHEAD = BulkheadConfig(
    name="demo",
    # About as many as are under way in the rough time, when some of them are stalled. More than that come in a rush.
    max_concurrent=6,
    # Nobody is sent away: all calls of a run may wait, for as long as they may be retried.
    max_queue=1_000,
    queue_timeout=4.0,
)
"""Enough when the server is well; when it is not, callers wait for their turn."""


class Guards:
    """The circuit breaker and the bulkhead of one run. They stand in no registry, so nothing is left of them after it.

    `moves` lists the states the circuit has gone to, in order; `queued` the places in the queue of the bulkhead that
    calls have had to take.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.breaker = CircuitBreaker(BREAKER, clock=clock)
        self.bulkhead = Bulkhead(BULKHEAD)
        self.moves: list[CircuitState] = []
        self.queued: list[int] = []
        self.breaker.on("state_change", lambda event: self.moves.append(event.new))
        self.bulkhead.on("queued", lambda event: self.queued.append(event.position))

    def report(self) -> GuardsReport:
        """Return what the two have done so far."""
        metrics = self.breaker.metrics
        return GuardsReport(
            opened=self.moves.count(CircuitState.OPEN),
            state=metrics.state,
            refused=metrics.rejected_requests,
            queued=len(self.queued),
        )


class GuardsReport(NamedTuple):
    """How often the circuit opened, where it is now, how many it refused, and how many had to wait for a permit."""

    opened: int
    state: CircuitState
    refused: int
    queued: int
