"""A caller whose turn cannot come within `timeout` waits all the same until that is over.

Documented: `timeout` is the "maximum time (in seconds) to wait".
"""

import time

from pyrate_limiter import Limiter, Rate

limiter = Limiter(Rate(1, 20_000))
limiter.try_acquire("service")
began = time.monotonic()
try:
    limiter.try_acquire("service", timeout=0.5)
except TimeoutError:
    pass
took = time.monotonic() - began
assert took < 0.4, f"the next turn is in 20 s, the timeout is 0.5 s, and the caller waited for {took:.1f} s"
