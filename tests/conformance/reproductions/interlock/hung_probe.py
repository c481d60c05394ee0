"""A probe that hangs keeps its place as long as it hangs, and nobody else is let through.

Documented: "A circuit breaker without a timeout is unsafe: a call that hangs forever is never counted as slow or failed".
"""

import threading
import time

from interlock import CircuitBreaker, CircuitOpenError, Config

config = Config(minimum_number_of_calls=1, permitted_calls_in_half_open=1, wait_duration_in_open=0.1)
breaker = CircuitBreaker(name="service", config=config)


def fail():
    raise ConnectionError


try:
    breaker.call(fail)
except ConnectionError:
    pass
time.sleep(0.2)
threading.Thread(target=breaker.call, args=(time.sleep, 1)).start()  # the probe, which hangs
time.sleep(0.4)
try:
    result = breaker.call(lambda: "fine")
except CircuitOpenError as error:
    result = error
assert result == "fine", f"four times the wait later the next caller got {result!r}"
