"""An excluded exception counts as a success, and closes a half-open circuit.

Documented: business exceptions "should be ignored by the circuit breaker as they don't indicate system errors".
"""

import time

import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=0.1, exclude=[LookupError], throw_new_error_on_trip=False)


def fail(kind):
    raise kind


for kind in (ConnectionError, LookupError):
    try:
        breaker.call(fail, kind)
    except Exception:
        pass
    time.sleep(0.2)
assert breaker.current_state != "closed", f"after an ignored error the circuit is {breaker.current_state}"
