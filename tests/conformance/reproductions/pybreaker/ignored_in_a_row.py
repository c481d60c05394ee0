"""An excluded exception counts as a success, and begins the row of failures anew.

Documented: business exceptions "should be ignored by the circuit breaker as they don't indicate system errors".
"""

import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max=3, exclude=[LookupError], throw_new_error_on_trip=False)


def fail(kind):
    raise kind


for kind in (ConnectionError, ConnectionError, LookupError) * 20:
    try:
        breaker.call(fail, kind)
    except Exception:
        pass
assert breaker.current_state == "open", (
    f"after 40 failures and 20 ignored errors the circuit is {breaker.current_state}"
)
