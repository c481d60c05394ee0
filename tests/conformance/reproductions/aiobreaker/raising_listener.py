"""An exception in a listener comes out in place of the function's own."""

import asyncio

from aiobreaker import CircuitBreaker, CircuitBreakerListener


class Listener(CircuitBreakerListener):
    def failure(self, breaker, exception):
        raise RuntimeError("a bug in a metrics client")


@CircuitBreaker(fail_max=3, listeners=[Listener()])
async def look_up():
    raise ConnectionError("connection refused")


try:
    asyncio.run(look_up())
except Exception as caught:
    error = caught
assert isinstance(error, ConnectionError), f"the caller got {error!r}"
