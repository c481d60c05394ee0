"""A caller whose turn cannot come within `max_wait` waits all the same until that is over."""

import time

from pyresilience import RateLimiterConfig, resilient


@resilient(rate_limiter=RateLimiterConfig(max_calls=1, period=20, max_wait=0.5))
def look_up():
    return "fine"


look_up()
began = time.monotonic()
try:
    look_up()
except Exception:
    pass
took = time.monotonic() - began
assert took < 0.4, f"the next turn is in 20 s, max_wait is 0.5 s, and the caller waited for {took:.1f} s"
