"""A class with a metaclass, such as an abstract one, is taken for a filter function: it is called with the exception,
which gives a true value, and so every exception is excluded. (A function of one's own as the filter works.)
"""

import abc
import asyncio

from aiobreaker import CircuitBreaker


class Declined(Exception, metaclass=abc.ABCMeta):
    pass


breaker = CircuitBreaker(fail_max=3, exclude=[Declined])


@breaker
async def look_up():
    raise ConnectionError


for _ in range(50):
    try:
        asyncio.run(look_up())
    except Exception:
        pass
state = breaker.current_state.name
assert state == "OPEN", f"after 50 ConnectionErrors the circuit is {state}"
