"""A shop that goes on selling while its recommendation service is down.

Run it: python examples/circuit_breaker.py

The service fails for a while and is then well again. The circuit opens after three failures, the page is served without
waiting for the dead service, and after the reset timeout a few probes find out that it is back.
"""

from __future__ import annotations

import time

from holdfast import get_breaker_registry, with_circuit_breaker

SERVICE = {"calls": 0, "down_for_calls": 4}


@with_circuit_breaker(
    "recommendations",
    failure_threshold=3,
    success_threshold=2,
    reset_timeout=0.05,
    fallback=lambda: ["bestseller"],
)
def recommend(user: str) -> list[str]:
    SERVICE["calls"] += 1
    if SERVICE["calls"] <= SERVICE["down_for_calls"]:
        raise ConnectionRefusedError
    return [f"for {user}"]


def page(user: str) -> str:
    try:
        return f"page with {recommend(user)}"
    except ConnectionRefusedError:
        return "page without recommendations"


def main() -> None:
    registry = get_breaker_registry()
    leave = registry.on("state_change", lambda event: print(f"  circuit {event.old} to {event.new}"))
    for visit in range(12):
        print(f"visit {visit}: {page('ada')}")
        if visit in (6, 8):
            time.sleep(0.06)  # people take their time
    leave()
    metrics = registry.get("recommendations").metrics
    print(f"12 visits, {SERVICE['calls']} calls of the service, {metrics.rejected_requests} spared")


if __name__ == "__main__":
    main()
