"""An excluded exception counts as a success, and begins the row of failures anew.

Documented: `exclude` is "a list of excluded Exception types to ignore".
"""

import asyncio

from aiobreaker import CircuitBreaker

breaker = CircuitBreaker(fail_max=3, exclude=[LookupError])


@breaker
async def look_up(kind):
    raise kind


for kind in (ConnectionError, ConnectionError, LookupError) * 20:
    try:
        asyncio.run(look_up(kind))
    except Exception:
        pass
state = breaker.current_state.name
assert state == "OPEN", f"after 40 failures and 20 ignored errors the circuit is {state}"
