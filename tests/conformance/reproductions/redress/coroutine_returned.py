"""A plain function that returns a coroutine is taken for a plain one: the coroutine is made, and then not guarded."""

import asyncio

from redress import default_classifier, retry

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@retry(classifier=default_classifier, max_attempts=3, strategy=lambda context: 0.0)
def look_up():
    return fetch()


try:
    asyncio.run(look_up())
except ConnectionError:
    pass
assert calls == 3, f"{calls} attempt was made instead of 3"
