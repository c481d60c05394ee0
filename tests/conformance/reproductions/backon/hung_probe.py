"""A probe that hangs keeps its place as long as it hangs, and nobody else is let through."""

import threading
import time

import backon

breaker = backon.CircuitBreaker(failure_threshold=1, recovery_timeout=0.1, half_open_max_calls=1)


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
except backon.CircuitOpenError as error:
    result = error
assert result == "fine", f"four recovery timeouts later the next caller got {result!r}"
