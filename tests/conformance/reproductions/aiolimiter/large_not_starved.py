"""Those who wait for less go first: a large request waits until no small one comes any more."""

import asyncio

from aiolimiter import AsyncLimiter

served = []


async def take(limiter, name, amount):
    await limiter.acquire(amount)
    served.append(name)


async def main():
    limiter = AsyncLimiter(10, 0.4)
    await limiter.acquire(10)
    large = asyncio.create_task(take(limiter, "large", 10))
    await asyncio.sleep(0.01)
    await asyncio.gather(large, *(take(limiter, "small", 1) for _ in range(30)))


asyncio.run(main())
before = served.index("large")
assert before < 30, f"all {before} small requests that came later went first"
