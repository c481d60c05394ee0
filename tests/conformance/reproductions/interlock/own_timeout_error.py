"""A TimeoutError that the function itself raises at once is reported as if the limit had been exceeded. Only async functions are concerned."""

import asyncio

from interlock import Pipeline

mine = TimeoutError("the database's own")


async def main():
    @Pipeline.builder().timeout(5.0).build()
    async def look_up():
        raise mine

    try:
        await look_up()
    except Exception as error:
        return error


error = asyncio.run(main())
assert error is mine, f"the caller got {error!r}"
