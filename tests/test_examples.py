"""Every example runs, and prints what it promises; its waits are real in real life and take no time here."""

from __future__ import annotations

import logging
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast
from holdfast._runtime.system import SystemClock
from holdfast.testing import VirtualClock

EXAMPLES = Path(__file__).parent.parent / "examples"

PRINTS = {
    "http_call.py": ["attempt 1 failed with HTTP Error 503", "next one in 1.00 s", "it is 11.5 °C in Bergen"],
    "agent_run.py": ["found 2 pages after 3 calls of the tool", "refused at once: holdfast: not retried", "attempt 1:"],
    "file_operation.py": ["42 sheets", "not there: holdfast: not retried (policy 'conservative')"],
    "deployment.py": ["attempt 1: ConnectionRefusedError, again in", "check health done"],
    "configuration.py": [
        "configured: policies.prices, policies.reports",
        "kelp: 4.50",
        "changed: policies.prices, policies.reports",
        "nori: no price, and the service is left alone for 60 s",
        "policies.prices.timeot is no key of a policy; did you mean 'timeout'?",
    ],
    "circuit_breaker.py": [
        "visit 2: page without recommendations",
        "visit 3: page with ['bestseller']",
        "circuit HALF_OPEN to CLOSED",
        "12 visits, 7 calls of the service, 5 spared",
    ],
    "parallel_agents.py": [
        "answer to question 1",
        "refused: bulkhead 'model': 3 calls are running and 5 wait, which is all that may",
        "8 answered, 4 refused, never more than 3 at once",
    ],
    "rate_limit.py": [
        " 0.20 s  page  9",
        " 1.00 s  page 12",
        "the service wants a rest: RateLimiterStats(available=0, queued=0)\n 3.00 s  page 13",
        "refused at once: ten more would have to wait 2.0 s",
        "20 translated, 1 refused, in 3.0 s",
    ],
    "timeouts.py": [
        "async: cleaned up",
        "async: recommend_async took longer than its timeout of 0.05 s",
        "visit 3: page with ['bestseller']",
        "visit 4: page without recommendations, left behind: {'recommend': 3}",
        "it answers again: page with ['for ada']",
        "4 took too long, 1 refused, 0 left behind",
    ],
    "observability.py": [
        "log [order-2] pay: attempt 1 of 2 failed (ConnectionResetError, CONNECTION_RESET), next in",
        "span {'resilience.operation': 'payments', 'circuit.state': 'open'}\nnot paid: ConnectionRefusedError",
        "what happened to order 3:\n  payments: ConnectionRefusedError (TRANSIENT, CONNECTION_REFUSED)",
        'errors_total{name="payments",category="TRANSIENT",code="CIRCUIT_OPEN"} 2',
        "circuit 'payments' is open; the next probe may be made in 30 s",
    ],
    "fallback.py": [
        "kelp: 3.50\nthe price service is away\n  (ConnectionResetError, answered for)\nkelp: 3.50",
        "anchor: 80.00 (list price)",
        "rope: ask at the counter",
        "answered for 3 failures: {'value': 1, 'instead': 1, 'last_good': 1}",
    ],
    "deadlines.py": [
        "no header: 200 stock of kelp",
        "1 s: 200 stock of kelp",
        "0.2 s: 504",
        "answered in time: True",
        "0 s: 504 DeadlineExceededError",
        "reviews was asked 1 time, and told of at most 0.2 s: True",
    ],
    "api_handler.py": [
        'well: 200 {"article": "kelp", "count": 4, "price": 3.0}',
        "slow: 504 DeadlineExceededError",
        "crowded: 200, 200, 200, 503, 503",
        "one of them: 503 BULKHEAD_QUEUE_FULL Retry-After: 1",
        "still down: 503 CIRCUIT_OPEN Retry-After: 60",
        "3 requests for 101 pages",
        "health: 200 circuit 'stock' is open; the next probe may be made in 60 s",
    ],
    "llm_client.py": [
        "Error code: 429, again in 1 s\n  the large model says: Kelp holds indeed (requests: 2)",
        "Error code: 429, so the small one is asked\n  the small model says: Kelp grows indeed (requests: 1)",
        "the small model says: Kelp drifts indeed (requests: 1)",
        "Error code: 400, no fallback (requests: 1)",
    ],
    "database.py": [
        "attempt 2: database is locked\n  done after 3 attempts: {'ada': 70, 'bob': 30}",
        "CHECK constraint failed: amount >= 0 (attempts: 1)",
        "nothing is half done: {'ada': 70, 'bob': 30}",
    ],
    "mcp_tool.py": [
        "search, its upstream fails: search of kelp: done (ran: 2)",
        "search, wrong input: ToolError; holdfast: not retried (policy 'mcp'): VALIDATION INVALID_INPUT",
        "send, never reached the server: send of kelp: done (ran: 1)",
        "the operation is not idempotent and may have been executed (ran: 1)",
        "one circuit for both: 8 requests, 4 of them failed",
    ],
    "returned_failures.py": [
        "attempt 2: 503, next one in 1.00 s\n  200 comes out",
        "GET /none\n  404 comes out",
        "attempt 2: 503, next one in 0.20 s\n  503 comes out\n  refused: circuit 'shop' is OPEN",
        "last failure: returned HTTPResponse: TRANSIENT EXTERNAL_UNAVAILABLE",
        "5 of 7 requests failed; the 404 did not",
        "a tool: PERMANENT MCP_TOOL_NOT_FOUND\na batch: EXTERNAL EXTERNAL_RATE_LIMITED",
        "a form: no known failure\njob: done",
    ],
    "execute_directly.py": [
        "orders: rows of orders after 1 attempts, waited nothing",
        "invoices: rows of invoices after 3 attempts, waited 0.1 s, 0.2 s",
        "returns: failed with ConnectionResetError after 3 attempts",
        "async: rows of orders",
    ],
}


@pytest.fixture(autouse=True)
def _as_in_a_process_of_its_own() -> Iterator[None]:
    """An example may set up logging, metrics and traces for its process."""
    ours = logging.getLogger("holdfast")
    level, handlers = ours.level, list(ours.handlers)
    yield
    ours.setLevel(level)
    ours.handlers[:] = handlers
    holdfast.set_trace_hook(None)
    holdfast.get_metrics_registry().stop()


def test_every_example_is_known_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTS)


@pytest.mark.parametrize("name", PRINTS)
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    monkeypatch.setattr(SystemClock, "monotonic", lambda _self: clock.monotonic())
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, duration: clock.sleep(duration))
    monkeypatch.setattr(SystemClock, "sleep_async", lambda _self, duration: clock.sleep_async(duration))
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    printed = capsys.readouterr().out
    for line in PRINTS[name]:
        assert line in printed
