"""A half-open circuit lets everybody through who comes before the first call ends.

Documented: "HALF_OPEN: A limited number of calls are allowed through to test if the service has recovered."
"""

import asyncio

from pyresilience import CircuitBreakerConfig, resilient

inside = 0


@resilient(circuit_breaker=CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0.1, success_threshold=1))
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
