"""A bucket that is found empty fills up faster than its rate: more calls are admitted than its size and its rate allow."""

import asyncio

from hyx.ratelimit import tokenbucket


async def main():
    loop = asyncio.get_running_loop()
    limited = tokenbucket(10, 0.5)(asyncio.sleep)  # ten at once, and then twenty per second
    moments = []
    await limited(0.425)
    until = loop.time() + 0.45
    while loop.time() < until:
        try:
            await limited(0)
            moments.append(loop.time())
        except Exception:
            await asyncio.sleep(0.01)
    return len(moments)


admitted = asyncio.run(main())
assert admitted <= 10 + 0.45 * 20 + 1, f"{admitted} calls were admitted within 0.45 s; size and rate allow 19"
