"""A web handler that answers in time, refuses what it cannot do, and says how it is.

Run it: python examples/api_handler.py

`handle` and `health` stand for the route functions of a web framework; with FastAPI they would return its `Response`.
The caller says in a header how long it will wait. What the handler asks is a service of somebody else, which here is
slow, crowded, and down, one after the other. No caller waits for longer than it said, and those that are refused are
told when to come back.
"""

from __future__ import annotations

import asyncio
import json
import math

from holdfast import RejectedError, ResiliencePolicy, deadline, resilience_manager, with_resilience


class Response(dict[str, str]):
    """A status, a text, and headers."""

    def __init__(self, status: int, body: str = "", **headers: str) -> None:
        super().__init__(headers)
        self.status = status
        self.body = body

    def __str__(self) -> str:
        return " ".join([str(self.status), self.body, *(f"{name}: {value}" for name, value in self.items())])


class Stock:
    """The service of somebody else."""

    seconds = 0.0
    is_up = True
    requests = 0

    async def count(self, article: str) -> int:
        self.requests += 1
        await asyncio.sleep(self.seconds)
        if not self.is_up:
            raise ConnectionRefusedError
        return len(article)


STOCK = Stock()

# The preset for services of somebody else, made smaller so that a few calls show what it does.
POLICY = ResiliencePolicy.external(
    retry={"backoff": {"type": "fixed", "initial_delay": 0.01}},
    circuit_breaker={"failure_threshold": 3},
    bulkhead={"max_concurrent": 2, "max_queue": 1},
)


@with_resilience("stock", POLICY)
async def count(article: str) -> int:
    return await STOCK.count(article)


@with_resilience("prices", ResiliencePolicy.external())
async def price(article: str) -> float:
    return len(article) * 0.75


async def handle(article: str, headers: dict[str, str]) -> Response:
    """GET /articles/{article}."""
    try:
        async with deadline(5, name="request", header=headers.get("X-Deadline-Ms")):
            number, each = await asyncio.gather(count(article), price(article))
    except RejectedError as refused:  # by an open circuit, a full bulkhead or a rate limit
        wait = 1 if refused.retry_after is None else math.ceil(refused.retry_after)
        return Response(503, refused.code, **{"Retry-After": str(wait)})
    except TimeoutError as error:  # the request's own time is up, or an attempt took too long
        return Response(504, type(error).__name__)
    except OSError as error:
        return Response(502, type(error).__name__)
    return Response(200, json.dumps({"article": article, "count": number, "price": each}))


async def health() -> Response:
    """GET /health: 503 takes this process out of the load balancer; an open circuit alone is no reason for that."""
    status = resilience_manager.get_health_status()
    issues = [issue for issue in status.issues if "'stock'" in issue]
    return Response(503 if status.status == "unhealthy" else 200, "; ".join(issues) or "nothing wrong with the stock")


async def main() -> None:
    print("well:", await handle("kelp", {}))

    STOCK.seconds = 60
    print("slow:", await handle("kelp", {"X-Deadline-Ms": "100"}))

    STOCK.seconds = 0.01
    crowd = await asyncio.gather(*(handle("kelp", {}) for _ in range(5)))
    print("crowded:", ", ".join(str(answer.status) for answer in crowd))
    print("  one of them:", next(answer for answer in crowd if answer.status == 503))

    STOCK.is_up, STOCK.requests = False, 0
    print("down:", await handle("kelp", {}))
    answers = [await handle("kelp", {}) for _ in range(100)]
    print("still down:", answers[-1])
    print(f"  {STOCK.requests} requests for 101 pages")
    print("health:", await health())


if __name__ == "__main__":
    asyncio.run(main())
