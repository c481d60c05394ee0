"""A call that ends by cancellation or KeyboardInterrupt counts as a success, and closes a half-open circuit."""

import time

from circuitbreaker import CircuitBreaker

breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=0.1, name="service")


@breaker
def look_up(kind):
    raise kind


for kind in (ConnectionError, KeyboardInterrupt):
    try:
        look_up(kind)
    except (ConnectionError, KeyboardInterrupt):
        pass
    time.sleep(0.2)
assert not breaker.closed, "after an interrupted probe the circuit is closed"
