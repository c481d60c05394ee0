"""A class with a metaclass, such as an abstract one, is taken for a filter function: it is called with the exception,
which gives a true value, and so every exception is excluded. (A function of one's own as the filter works.)
"""

import abc

import pybreaker


class Declined(Exception, metaclass=abc.ABCMeta):
    pass


breaker = pybreaker.CircuitBreaker(fail_max=3, exclude=[Declined], throw_new_error_on_trip=False)


def fail():
    raise ConnectionError


for _ in range(50):
    try:
        breaker.call(fail)
    except Exception:
        pass
assert breaker.current_state == "open", f"after 50 ConnectionErrors the circuit is {breaker.current_state}"
