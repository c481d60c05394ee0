"""A shop that can tell what happened to one order, how its guards are doing, and what Prometheus wants to know.

Run it: python examples/observability.py
"""

from __future__ import annotations

import json
import logging
import sys

from holdfast import (
    correlation_id,
    get_health_status,
    prometheus_text,
    set_trace_hook,
    with_circuit_breaker,
    with_retry,
)
from holdfast.observability import MetricsRegistry, install_correlation_filter

answers = iter([None, ConnectionResetError(), None, *[ConnectionRefusedError() for _ in range(9)]])


@with_retry("network", max_attempts=2)
@with_circuit_breaker("payments", failure_threshold=3)
def pay(amount: float) -> str:
    """Ask the payment service, which is having a bad day."""
    failure = next(answers)
    if failure is not None:
        raise failure
    return f"paid {amount:g}"


def order(number: int) -> None:
    with correlation_id(f"order-{number}"):
        try:
            print(pay(10 * number))
        except Exception as error:
            print(f"not paid: {type(error).__name__}")


def main() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("  log [%(correlation_id)s] %(message)s"))
    shop = logging.getLogger("holdfast")
    shop.setLevel(logging.INFO)
    shop.addHandler(handler)
    uninstall = install_correlation_filter(shop)
    set_trace_hook(lambda attributes: print("  span", dict(attributes)) if "circuit.state" in attributes else None)

    with MetricsRegistry() as metrics:
        for number in range(1, 6):
            order(number)
        print("what happened to order 3:")
        for failure in metrics.recent_errors("order-3"):
            print(f"  {failure.name}: {failure.error_type} ({failure.category}, {failure.code})")
        print("for Prometheus:")
        for line in prometheus_text(metrics).splitlines():
            if line.startswith(("circuit_breaker_calls_total", "errors_total")) and 'name="payments"' in line:
                print(f"  {line}")
        health = get_health_status()
        print("health:", json.dumps([health.summary.as_dict()["unhealthy"], health.issues]))

    set_trace_hook(None)
    uninstall()
    shop.removeHandler(handler)


if __name__ == "__main__":
    main()
