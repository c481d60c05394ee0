"""The settings of the guards, and why they are what they are."""

from __future__ import annotations

from holdfast import BackoffConfig, BulkheadConfig, CircuitBreakerConfig, RetryPolicy

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
    # In the rough time about a quarter of the attempts fail, and the circuit has to bear that: six failures in a row
    # are rare then, and so are twelve among the last twenty. In the outage it takes just six attempts.
    failure_threshold=6,
    window_size=20,
    failure_rate_threshold=0.6,
    # The outage takes less than half a second, in which there are to be a few looks at the server and not many. A real
    # service is better left alone for 30 seconds, which is the default.
    reset_timeout=0.09,
    half_open_max_calls=2,
    success_threshold=2,
)
"""Bears the rough time, opens soon in the outage, and closes soon after it."""

BULKHEAD = BulkheadConfig(
    # About as many as are under way in the rough time, when some of them are stalled. More than that come in a rush.
    max_concurrent=6,
    # Nobody is sent away: all calls of a run may wait, for as long as they may be retried.
    max_queue=1_000,
    queue_timeout=4.0,
)
"""Enough when the server is well; when it is not, callers wait for their turn."""
