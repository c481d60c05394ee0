"""What comes out at the end is not the function's exception; that is only the context of the one that does.

Documented: MaxAttemptsExceeded "occurs when all attempts were exceeded with no success".
"""

import asyncio

from hyx.retry import retry


@retry(on=ConnectionError, attempts=2, backoff=0)
async def look_up():
    raise ConnectionError("connection refused")


try:
    asyncio.run(look_up())
except Exception as caught:
    error = caught
assert isinstance(error, ConnectionError), f"the caller got {error!r}"
