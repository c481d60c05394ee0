"""Any BaseException counts as a failure: calls that were cancelled open the circuit of a healthy service."""

import asyncio

import backon

breaker = backon.CircuitBreaker(failure_threshold=3)


async def main():
    for _ in range(5):
        task = asyncio.create_task(breaker.async_call(asyncio.sleep, 10))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])


asyncio.run(main())
assert breaker.state.value == "CLOSED", f"after five cancelled calls the circuit is {breaker.state.value}"
