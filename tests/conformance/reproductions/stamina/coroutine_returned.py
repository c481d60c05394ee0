"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

import stamina

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@stamina.retry(on=ConnectionError, attempts=3, wait_initial=0, wait_jitter=0)
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
