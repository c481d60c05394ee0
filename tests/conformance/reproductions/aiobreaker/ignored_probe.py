"""An excluded exception counts as a success, and closes a half-open circuit.

Documented: `exclude` is "a list of excluded Exception types to ignore".
"""

import asyncio
from datetime import timedelta

from aiobreaker import CircuitBreaker

breaker = CircuitBreaker(fail_max=1, timeout_duration=timedelta(seconds=0.1), exclude=[LookupError])


@breaker
async def look_up(kind):
    raise kind


async def main():
    for kind in (ConnectionError, LookupError):
        try:
            await look_up(kind)
        except Exception:
            pass
        await asyncio.sleep(0.2)


asyncio.run(main())
state = breaker.current_state.name
assert state != "CLOSED", f"after an ignored error the circuit is {state}"
