"""How long a circuit is open is measured by the wall clock: when that is set forward, it is over too early."""

import asyncio
import datetime as dt

import aiobreaker.state


class Tomorrow(dt.datetime):
    @classmethod
    def utcnow(cls):
        return dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(days=1)


@aiobreaker.CircuitBreaker(fail_max=1, timeout_duration=dt.timedelta(seconds=60))
async def look_up(kind):
    if kind is not None:
        raise kind
    return "let through"


try:
    asyncio.run(look_up(ConnectionError))
except Exception:
    pass
aiobreaker.state.datetime = Tomorrow  # as after the administrator has set the clock
try:
    result = asyncio.run(look_up(None))
except aiobreaker.CircuitBreakerError:
    result = "refused"
assert result == "refused", f"just after it opened for 60 s, with the clock set forward, a call is {result}"
