"""How long a circuit is open is measured by the wall clock: when that is set forward, it is over too early."""

import datetime as dt

import pybreaker

breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=60, throw_new_error_on_trip=False)


def fail():
    raise ConnectionError


class Tomorrow(dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return dt.datetime.now(tz) + dt.timedelta(days=1)


try:
    breaker.call(fail)
except ConnectionError:
    pass
pybreaker.datetime = Tomorrow  # as after the administrator has set the clock
try:
    result = breaker.call(lambda: "let through")
except pybreaker.CircuitBreakerError:
    result = "refused"
assert result == "refused", f"just after it opened for 60 s, with the clock set forward, a call is {result}"
