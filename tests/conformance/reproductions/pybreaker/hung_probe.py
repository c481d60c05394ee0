"""A probe that hangs holds the breaker's lock, and every other caller hangs with it."""

import threading
import time

import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=0.1, throw_new_error_on_trip=False)


def fail():
    raise ConnectionError


try:
    breaker.call(fail)
except ConnectionError:
    pass
time.sleep(0.2)
threading.Thread(target=breaker.call, args=(time.sleep, 2)).start()  # the probe, which hangs
time.sleep(0.1)
began = time.monotonic()
try:
    breaker.call(lambda: "fine")
except pybreaker.CircuitBreakerError:
    pass
took = time.monotonic() - began
assert took < 1, f"the next caller hung for {took:.1f} s"
