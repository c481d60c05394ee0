"""Any BaseException counts as a failure: also KeyboardInterrupt."""

import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max=3, throw_new_error_on_trip=False)


def interrupted():
    raise KeyboardInterrupt


for _ in range(5):
    try:
        breaker.call(interrupted)
    except (KeyboardInterrupt, pybreaker.CircuitBreakerError):
        pass
assert breaker.current_state == "closed", f"after interrupted calls the circuit is {breaker.current_state}"
