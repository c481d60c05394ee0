"""An exception in a listener comes out in place of the function's own."""

import pybreaker


class Listener(pybreaker.CircuitBreakerListener):
    def state_change(self, cb, old_state, new_state):
        raise RuntimeError("a bug in a metrics client")


breaker = pybreaker.CircuitBreaker(fail_max=1, listeners=[Listener()], throw_new_error_on_trip=False)


def fail():
    raise ConnectionError("connection refused")


try:
    breaker.call(fail)
except Exception as caught:
    error = caught
assert isinstance(error, ConnectionError), f"the caller got {error!r}"
