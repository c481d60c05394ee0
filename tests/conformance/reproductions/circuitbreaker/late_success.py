"""Any success closes the circuit, also of a call that began before it opened."""

import threading
import time

from circuitbreaker import CircuitBreaker

breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60, name="service")


@breaker
def look_up(seconds):
    if not seconds:
        raise ConnectionError
    time.sleep(seconds)


late = threading.Thread(target=look_up, args=(0.2,))
late.start()
time.sleep(0.05)
try:
    look_up(0)
except ConnectionError:
    pass
late.join()
assert breaker.opened, f"just after it opened for 60 s the circuit is {breaker.state}"
