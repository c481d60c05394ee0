"""The exponential delay is computed before it is bounded, and overflows."""

import time

from pyresilience import RetryConfig, resilient

time.sleep = lambda seconds: None
calls = 0


@resilient(retry=RetryConfig(max_attempts=1200, delay=0.5, backoff_factor=2.0, max_delay=4))
def look_up():
    global calls
    calls += 1
    raise ConnectionError


try:
    look_up()
except Exception as caught:
    error = caught
assert calls == 1200, f"after {calls} of 1200 attempts the caller got {error!r}"
