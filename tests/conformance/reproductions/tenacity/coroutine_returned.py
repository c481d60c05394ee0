"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

from tenacity import retry, retry_if_exception_type, stop_after_attempt

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@retry(retry=retry_if_exception_type(ConnectionError), stop=stop_after_attempt(3), reraise=True)
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
