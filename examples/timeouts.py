"""A page that is served in time although the thing that recommends articles hangs.

Run it: python examples/timeouts.py

The first recommender is async and is cancelled. The second is a plain function, which nobody can end: its caller goes
on, and it is left behind in a thread until it ends by itself. Three may be; then calls are refused before they begin.
"""

from __future__ import annotations

import asyncio
import threading

from holdfast import OperationTimeoutError, TimeoutManager, WorkerLimitError, with_timeout

MANAGER = TimeoutManager(max_left_behind=3)
MANAGER.register("recommendations", 0.05)

answer_comes = threading.Event()


@with_timeout("recommendations", manager=MANAGER)
async def recommend_async(user: str) -> list[str]:
    try:
        await asyncio.sleep(60)
    finally:
        print("async: cleaned up")
    return [f"for {user}"]


@with_timeout("recommendations", fallback=lambda: ["bestseller"], manager=MANAGER)
def recommend(user: str) -> list[str]:
    answer_comes.wait()
    return [f"for {user}"]


async def visit_async() -> None:
    try:
        await recommend_async("ada")
    except OperationTimeoutError as error:
        print(f"async: {error}")


def main() -> None:
    asyncio.run(visit_async())
    for visit in range(1, 5):
        try:
            print(f"visit {visit}: page with {recommend('ada')}")
        except WorkerLimitError:
            print(f"visit {visit}: page without recommendations, left behind: {dict(MANAGER.metrics.left_behind)}")
    answer_comes.set()
    while MANAGER.metrics.left_behind:
        threading.Event().wait(0.01)
    metrics = MANAGER.metrics
    print(f"it answers again: page with {recommend('ada')}")
    print(f"{metrics.timed_out} took too long, {metrics.refused} refused, {len(metrics.left_behind)} left behind")


if __name__ == "__main__":
    main()
