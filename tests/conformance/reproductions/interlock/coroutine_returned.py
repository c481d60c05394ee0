"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

from interlock import Pipeline
from tenacity import wait_none

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@Pipeline.builder().retry(attempts=3, wait=wait_none()).build()
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
