"""All calls of a function share one iterator of delays: each call that begins sets back those of the others."""

import asyncio

from hyx.retry import retry
from hyx.retry.backoffs import expo

real_sleep = asyncio.sleep
delays = {}


async def no_sleep(delay):
    delays.setdefault(asyncio.current_task().get_name(), []).append(delay)
    await real_sleep(0)


asyncio.sleep = no_sleep


@retry(on=ConnectionError, attempts=3, backoff=expo(min_delay_secs=1))
async def look_up():
    raise ConnectionError


async def main():
    await asyncio.gather(look_up(), look_up(), return_exceptions=True)


asyncio.run(main())
seen = list(delays.values())
assert seen[0][:2] == seen[1][:2] == [1, 2], f"the delays of two calls at once are {seen[0]} and {seen[1]}"
