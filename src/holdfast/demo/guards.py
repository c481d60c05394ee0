"""The settings of the four guards, and why they are what they are; and those of one run, which no other run shares."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from holdfast import (
    BackoffConfig,
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    RetryPolicy,
    TimeoutConfig,
    TimeoutManager,
)

if TYPE_CHECKING:
    from holdfast import Clock, OperationTimeoutError

RETRIES = RetryPolicy(
    name="demo",
    max_attempts=8,
    backoff=BackoffConfig(type="exponential", initial_delay=0.1, max_delay=0.4, multiplier=2.0, jitter_factor=0.5),
    total_timeout=4.0,
)
"""Impatient delays, for a demonstration that ends soon; even the shortest of them add up to more than the outage.

`total_timeout` is the deadline of a whole call. The attempts, the waits between them and those for a permit keep to it.
"""

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


_LOOK = 0.01  # seconds between two looks at attempts that are left behind


class Guards:
    """The guards of one run, but for the retries. They stand in no registry, so nothing is left of them after it.

    An attempt may take `attempt_timeout` seconds, far less than the client would wait. A blocking one that is cut short
    goes on in its thread until the client's own timeout ends it, and keeps its permit until then: what the bulkhead
    promises holds for those that were left behind as well.

    `moves` lists the states the circuit has gone to, in order; `queued` the places in the queue of the bulkhead that
    calls have had to take; `left_behind` how many attempts were left behind whenever one was cut short.
    """

    def __init__(self, attempt_timeout: float, clock: Clock | None = None) -> None:
        self.breaker = CircuitBreaker(BREAKER, clock=clock)
        self.bulkhead = Bulkhead(BULKHEAD)
        self.timeouts = TimeoutManager()
        self.timeout = TimeoutConfig(seconds=attempt_timeout, on_timeout=self._cut_short)
        self.moves: list[CircuitState] = []
        self.queued: list[int] = []
        self.left_behind: list[int] = []
        self.breaker.on("state_change", lambda event: self.moves.append(event.new))
        self.bulkhead.on("queued", lambda event: self.queued.append(event.position))

    def _cut_short(self, _: OperationTimeoutError) -> None:
        self.left_behind.append(self._left_behind_now())

    def _left_behind_now(self) -> int:
        return sum(self.timeouts.metrics.left_behind.values())

    def see_out(self, seconds: float) -> None:
        """Wait until no attempt is left behind any more; not longer than so many seconds, though."""
        until = time.monotonic() + seconds
        while self._left_behind_now() and time.monotonic() < until:
            time.sleep(_LOOK)

    def report(self) -> GuardsReport:
        """Return what they have done so far."""
        metrics = self.breaker.metrics
        return GuardsReport(
            opened=self.moves.count(CircuitState.OPEN),
            state=metrics.state,
            refused=metrics.rejected_requests,
            queued=len(self.queued),
            cut_short=self.timeouts.metrics.timed_out,
            most_left_behind=max(self.left_behind, default=0),
            left_behind=self._left_behind_now(),
        )


class GuardsReport(NamedTuple):
    """What the guards of a run have done.

    How often the circuit opened, where it is now, and how many it refused; how many had to wait for a permit; how many
    attempts were cut short, how many of them were left behind at the same time, at most, and how many are now.
    """

    opened: int
    state: CircuitState
    refused: int
    queued: int
    cut_short: int
    most_left_behind: int
    left_behind: int
