"""How long a circuit is open is measured by the wall clock: when that is set forward, it is over too early."""

import asyncio
import datetime as dt

import hyx.circuitbreaker.states
from hyx.circuitbreaker import consecutive_breaker


class Tomorrow(dt.datetime):
    @classmethod
    def utcnow(cls):
        return dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(days=1)


@consecutive_breaker(failure_threshold=1, recovery_time_secs=60)
async def look_up(kind):
    if kind is not None:
        raise kind
    return "let through"


try:
    asyncio.run(look_up(ConnectionError))
except ConnectionError:
    pass
hyx.circuitbreaker.states.datetime = Tomorrow  # as after the administrator has set the clock
try:
    result = asyncio.run(look_up(None))
except Exception:
    result = "refused"
assert result == "refused", f"just after it opened for 60 s, with the clock set forward, a call is {result}"
