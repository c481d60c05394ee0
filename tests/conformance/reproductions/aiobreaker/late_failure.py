"""A failure of a call from before the circuit opened begins its timeout anew."""

import asyncio
from datetime import timedelta

from aiobreaker import CircuitBreaker


@CircuitBreaker(fail_max=3, timeout_duration=timedelta(seconds=0.5))
async def call(kind=None, after=0.0):
    await asyncio.sleep(after)
    if kind is not None:
        raise kind
    return "fine"


async def main():
    late = asyncio.create_task(call(ConnectionError, 0.4))  # it begins while the circuit is closed
    await asyncio.sleep(0.01)
    await asyncio.gather(*(call(ConnectionError) for _ in range(3)), return_exceptions=True)  # it opens, for 0.5 s
    await asyncio.wait([late])
    await asyncio.sleep(0.25)
    return (await asyncio.gather(call(), return_exceptions=True))[0]


result = asyncio.run(main())
assert result == "fine", f"0.65 s after it opened for 0.5 s, a caller got a {type(result).__name__}"
