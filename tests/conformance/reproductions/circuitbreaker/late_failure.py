"""A failure of a call from before the circuit opened begins its recovery timeout anew."""

import threading
import time

from circuitbreaker import CircuitBreaker

breaker = CircuitBreaker(failure_threshold=3, recovery_timeout=0.5, name="service")


def fail():
    raise ConnectionError


def fail_late():
    time.sleep(0.4)
    fail()


def call(function):
    try:
        return breaker.call(function) if not breaker.opened else "refused"
    except Exception as error:
        return error


threading.Thread(target=call, args=(fail_late,)).start()  # it begins while the circuit is closed
time.sleep(0.05)
for _ in range(3):
    call(fail)  # the circuit opens, for 0.5 s
time.sleep(0.65)
result = call(lambda: "fine")
assert result == "fine", f"0.65 s after it opened for 0.5 s, a caller got {result!r}"
