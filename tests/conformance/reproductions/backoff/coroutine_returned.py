"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

import backoff

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@backoff.on_exception(backoff.constant, ConnectionError, max_tries=3, interval=0, logger=None)
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
