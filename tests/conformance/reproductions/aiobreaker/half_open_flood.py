"""A half-open circuit lets everybody through who comes before the first call ends.

Documented: in the half-open state "the next call to the circuit breaker is allowed to execute the dangerous operation"
"""

import asyncio
from datetime import timedelta

from aiobreaker import CircuitBreaker

inside = 0


@CircuitBreaker(fail_max=1, timeout_duration=timedelta(seconds=0.1))
async def call(kind=None):
    global inside
    if kind is not None:
        raise kind
    inside += 1
    await asyncio.sleep(0.05)


async def main():
    try:
        await call(ConnectionError)
    except Exception:
        pass
    await asyncio.sleep(0.15)
    await asyncio.gather(*(call() for _ in range(500)), return_exceptions=True)


asyncio.run(main())
assert inside == 1, f"{inside} of 500 callers were let through at once"
