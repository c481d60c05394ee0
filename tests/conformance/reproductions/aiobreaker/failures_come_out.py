"""The failure that opens the circuit does not come out; the caller gets a CircuitBreakerError for it."""

import asyncio

from aiobreaker import CircuitBreaker


@CircuitBreaker(fail_max=1)
async def look_up():
    raise ConnectionError("connection refused")


try:
    asyncio.run(look_up())
except Exception as caught:
    error = caught
assert isinstance(error, ConnectionError), f"the caller got a {type(error).__name__}"
