"""A TimeoutError that the function itself raises at once is reported as if the limit had been exceeded."""

import asyncio

from hyx.timeout import timeout

mine = TimeoutError("the database's own")


async def main():
    @timeout(5)
    async def look_up():
        raise mine

    try:
        await look_up()
    except Exception as error:
        return error


error = asyncio.run(main())
assert error is mine, f"the caller got {error!r}"
