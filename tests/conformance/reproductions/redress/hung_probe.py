"""A probe that hangs keeps its place as long as it hangs, and nobody else is let through."""

import threading
import time

from redress import CircuitBreaker, CircuitOpenError, Policy

policy = Policy(circuit_breaker=CircuitBreaker(failure_threshold=1, recovery_timeout_s=0.1))


def fail():
    raise ConnectionError


try:
    policy.call(fail)
except ConnectionError:
    pass
time.sleep(0.2)
threading.Thread(target=policy.call, args=(lambda: time.sleep(1),)).start()  # the probe, which hangs
time.sleep(0.4)
try:
    result = policy.call(lambda: "fine")
except CircuitOpenError as error:
    result = error
assert result == "fine", f"four recovery timeouts later the next caller got {result!r}"
