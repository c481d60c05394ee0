"""Calling RetryManager.execute: the outcome as a record instead of an exception.

Run it: python examples/execute_directly.py

That is handy where a failure is one of the expected ends: a nightly job that reports on all its sources, say.
"""

from __future__ import annotations

import asyncio
from functools import partial

from holdfast import RetryManager, RetryPolicy

FAILURES = {"orders": 0, "invoices": 2, "returns": 99}


def fetch(source: str) -> str:
    if FAILURES[source]:
        FAILURES[source] -= 1
        raise ConnectionResetError
    return f"rows of {source}"


async def fetch_async(source: str) -> str:
    await asyncio.sleep(0)
    return fetch(source)


def main() -> None:
    manager = RetryManager(RetryPolicy.exponential(initial_delay=0.1, max_delay=1, max_attempts=3))
    for source in FAILURES:
        result = manager.execute(partial(fetch, source))
        waits = ", ".join(f"{delay:g} s" for delay in result.context.delays) or "nothing"
        outcome = result.value if result.success else f"failed with {type(result.error).__name__}"
        print(f"{source}: {outcome} after {result.context.attempt} attempts, waited {waits}")

    # The same manager takes async operations, and then returns something to await.
    result = asyncio.run(manager.execute(partial(fetch_async, "orders"), "network"))
    print("async:", result.value)


if __name__ == "__main__":
    main()
