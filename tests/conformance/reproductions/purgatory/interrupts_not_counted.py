"""Any BaseException counts as a failure: calls that were cancelled open the circuit of a healthy service."""

import asyncio

from purgatory import AsyncCircuitBreakerFactory

factory = AsyncCircuitBreakerFactory(default_threshold=3)


@factory("service")
async def look_up():
    await asyncio.sleep(10)


async def main():
    for _ in range(3):
        task = asyncio.create_task(look_up())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
    return (await factory.get_breaker("service")).context.state


state = asyncio.run(main())
assert state == "closed", f"after three cancelled calls the circuit is {state}"
