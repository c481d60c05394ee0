"""Failures that are returned and not raised: a response of 503, a tool's error, an answer that is not ready.

Run it: python examples/returned_failures.py

The server is a real one, on this machine, and `http.client` raises nothing for a 503: it returns the response. With
`classify_results=True` a retry and a circuit breaker judge it as they would judge an error.
"""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

from holdfast import (
    CircuitOpenError,
    ErrorClassifier,
    RetryExhaustedError,
    RetryPolicy,
    get_breaker_registry,
    get_error_classifier,
    with_circuit_breaker,
    with_retry,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def report(error: Exception, attempt: int, delay: float) -> None:
    status = error.last_result.status if isinstance(error, RetryExhaustedError) else error
    print(f"  attempt {attempt}: {status}, next one in {delay:.2f} s")


POLICY = RetryPolicy(
    name="shop", backoff={"initial_delay": 0.1}, classify_results=True, close_discarded=True, on_retry=report
)


@with_retry(POLICY)
@with_circuit_breaker("shop", failure_threshold=5, classify_results=True)
def get(address: str, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(address, timeout=2)
    connection.request("GET", path)
    return connection.getresponse()


class Shop(BaseHTTPRequestHandler):
    troubles = 2

    def do_GET(self) -> None:
        kind: Any = type(self)
        busy = self.path == "/down" or (self.path == "/busy" and kind.troubles > 0)
        if self.path == "/busy":
            kind.troubles -= 1
        self.send_response(503 if busy else 404 if self.path == "/none" else 200)
        if busy and self.path == "/busy":
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Be quiet."""


@contextmanager
def shop() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), type("Fresh", (Shop,), {})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def http_responses(address: str) -> None:
    for path in ("/busy", "/none", "/down"):
        print(f"GET {path}")
        with get(address, path) as response:
            print(f"  {response.status} comes out")
    try:
        get(address, "/down")
    except CircuitOpenError as refused:
        print(f"  refused: {refused}")
    metrics = get_breaker_registry().get("shop").metrics
    print(f"{metrics.failed_requests} of {metrics.total_requests} requests failed; the 404 did not")


def other_results() -> None:
    classifier = get_error_classifier()
    records = [{"ErrorCode": "ProvisionedThroughputExceededException"}, {"ShardId": "1"}]
    results = {
        "a tool": {"content": [{"type": "text", "text": "Unknown tool: serach"}], "isError": True},
        "a batch": {"FailedRecordCount": 1, "Records": records},
        "Slack": {"ok": False, "error": "ratelimited"},
        "a form": {"error": "the name is missing"},
    }
    for name, result in results.items():
        seen = classifier.classify_result(result)
        print(f"{name}: {'no known failure' if seen is None else f'{seen.category} {seen.code}'}")


def own_rule() -> None:
    classifier = ErrorClassifier()
    classifier.register_result(
        lambda result: result == "queued", category="TRANSIENT", code="JOB_QUEUED", retry_after=0.2
    )
    states = ["queued", "queued", "done"]

    @with_retry(classify_results=True, classifier=classifier, backoff={"initial_delay": 0.1})
    def job() -> str:
        return states.pop(0)

    print(f"job: {job()}")


def main() -> None:
    with shop() as address:
        http_responses(address)
    other_results()
    own_rule()


if __name__ == "__main__":
    main()
