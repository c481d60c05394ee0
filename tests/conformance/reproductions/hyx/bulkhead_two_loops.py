"""A bulkhead belongs to the loop in which a caller first had to wait; in the next one, waiting fails."""

import asyncio

from hyx.bulkhead import bulkhead


@bulkhead(max_concurrency=1, max_capacity=10)
async def look_up():
    await asyncio.sleep(0.01)
    return "fine"


async def main():
    return await asyncio.gather(look_up(), look_up(), return_exceptions=True)


results = asyncio.run(main()) + asyncio.run(main())
assert results == ["fine"] * 4, f"in the second loop a caller got {results[-1]!r}"
