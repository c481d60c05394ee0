"""The limit for all attempts is asked before each attempt; a back-off that goes beyond it is slept to its end.

Documented: with `per_attempt=False` the timeout is "a total deadline shared across all attempts", for "when you have a strict
SLA and need to bound total latency".
"""

import time

from pyresilience import RetryConfig, TimeoutConfig, resilient


@resilient(
    retry=RetryConfig(max_attempts=10, delay=1, jitter=False, retry_on=[ConnectionError]),
    timeout=TimeoutConfig(seconds=0.3, per_attempt=False),
)
def look_up():
    raise ConnectionError


began = time.monotonic()
try:
    look_up()
except Exception:
    pass
took = time.monotonic() - began
assert took < 0.6, f"with a total timeout of 0.3 s the call took {took:.1f} s"
