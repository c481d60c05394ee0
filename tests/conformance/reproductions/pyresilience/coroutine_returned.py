"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

from pyresilience import RetryConfig, resilient

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@resilient(retry=RetryConfig(max_attempts=3, delay=0, retry_on=[ConnectionError]))
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
