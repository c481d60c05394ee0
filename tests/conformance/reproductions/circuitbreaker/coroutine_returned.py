"""A plain function that returns a coroutine is taken for a plain one: its failures are counted as successes."""

import asyncio

from circuitbreaker import circuit

calls = 0


async def fetch():
    global calls
    calls += 1
    raise ConnectionError


@circuit(failure_threshold=3)
def look_up():
    return fetch()


for _ in range(6):
    try:
        asyncio.run(look_up())
    except Exception:
        pass
assert calls == 3, f"with a threshold of 3, {calls} failing calls were let through"
