"""Twelve agents ask at once, but the model may answer only three at a time; a few wait, the rest are refused at once.

Run it: python examples/parallel_agents.py
"""

from __future__ import annotations

import asyncio

from holdfast import BulkheadFullError, create_bulkhead

MODEL = create_bulkhead("model", max_concurrent=3, max_queue=5)

busiest = 0


@MODEL.protect
async def ask(question: str) -> str:
    global busiest  # noqa: PLW0603  how many were inside at once
    busiest = max(busiest, MODEL.stats.active)
    await asyncio.sleep(0.01)
    return f"answer to {question}"


async def agent(number: int) -> str:
    try:
        return await ask(f"question {number}")
    except BulkheadFullError as refused:
        return f"refused: {refused}"


async def main() -> None:
    answers = await asyncio.gather(*(agent(number) for number in range(1, 13)))
    print(answers[0])
    print(answers[-1])
    metrics = MODEL.metrics
    print(f"{metrics.completed} answered, {metrics.rejected} refused, never more than {busiest} at once")


if __name__ == "__main__":
    asyncio.run(main())
