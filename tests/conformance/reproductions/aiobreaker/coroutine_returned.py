"""A plain function that returns a coroutine is taken for a plain one: its failures are counted as successes."""

import asyncio

from aiobreaker import CircuitBreaker

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@CircuitBreaker(fail_max=3)
def look_up():
    return fetch()


for _ in range(6):
    try:
        asyncio.run(look_up())
    except Exception:
        pass
assert calls == 3, f"with a threshold of 3, {calls} failing calls were let through"
