"""A request with a deadline, which a retry, two services and the threads of a pool keep to.

Run it: python examples/deadlines.py

The caller says in a header how long it will wait. The handler asks two services by a client that blocks, so they are
asked in a pool of threads. One service is quick. The other never answers: its client gives up when the time is over,
and no further attempt is made, because nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from holdfast import current_deadline, deadline, time_left, with_retry

POOL = ThreadPoolExecutor(4)
LATENCY = {"stock": 0.01, "reviews": 60.0}

heard: list[tuple[str, int]] = []


def get(service: str, headers: dict[str, str], timeout: float) -> str:
    """Stand in for an HTTP client: waits for the answer, but not longer than `timeout`."""
    heard.append((service, int(headers["X-Deadline-Ms"])))
    threading.Event().wait(min(LATENCY[service], timeout))
    if LATENCY[service] > timeout:
        raise TimeoutError(f"{service} did not answer")
    return f"{service} of kelp"


@with_retry("network")
def ask(service: str) -> str:
    limit = current_deadline()
    headers = {} if limit is None else {"X-Deadline-Ms": limit.to_header()}
    return get(service, headers, timeout=time_left(10))


async def handler(headers: dict[str, str], services: list[str]) -> str:
    loop = asyncio.get_running_loop()
    try:
        async with deadline(10, name="request", header=headers.get("X-Deadline-Ms")) as request:
            asked = [loop.run_in_executor(POOL, request.carry(ask), service) for service in services]
            return f"200 {', '.join(await asyncio.gather(*asked))}"
    except TimeoutError as error:  # the client's own, or holdfast's
        return f"504 {type(error).__name__}"


async def main() -> None:
    print("no header:", await handler({}, ["stock"]))
    print("1 s:", await handler({"X-Deadline-Ms": "1000"}, ["stock"]))
    began = asyncio.get_running_loop().time()
    print("0.2 s:", (await handler({"X-Deadline-Ms": "200"}, ["stock", "reviews"]))[:3])
    print("answered in time:", asyncio.get_running_loop().time() - began < 1)
    print("0 s:", await handler({"X-Deadline-Ms": "0"}, ["stock", "reviews"]))
    POOL.shutdown()  # all threads are done by now, or nearly so
    asked = [milliseconds for service, milliseconds in heard if service == "reviews"]
    print(f"reviews was asked {len(asked)} time, and told of at most 0.2 s: {max(asked) <= 200}")


if __name__ == "__main__":
    asyncio.run(main())
