"""An HTTP call that survives a server which is overloaded for a moment.

Run it: python examples/http_call.py

The server is a real one, on this machine; it answers 503 twice, once saying how long to wait, and then 200.
`urllib` raises `HTTPError` for a 503; holdfast reads the status and the Retry-After header from it.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, cast

from holdfast import RetryPolicy, with_retry

if TYPE_CHECKING:
    from collections.abc import Iterator


def report(error: Exception, attempt: int, delay: float) -> None:
    print(f"attempt {attempt} failed with {error}; next one in {delay:.2f} s")
    if isinstance(error, urllib.request.HTTPError):
        error.close()  # an HTTPError is an open response


POLICY = RetryPolicy.network(name="weather", total_timeout=10, on_retry=report)


@with_retry(POLICY)
def temperature(base: str, city: str) -> float:
    with urllib.request.urlopen(f"{base}/{city}", timeout=2) as response:
        return float(json.load(response)["celsius"])


class Overloaded(BaseHTTPRequestHandler):
    answers = 0

    def do_GET(self) -> None:
        kind = cast("Any", type(self))
        kind.answers += 1
        body = b""
        if kind.answers <= 2:
            self.send_response(503)
            if kind.answers == 1:
                self.send_header("Retry-After", "1")
        else:
            body = b'{"celsius": 11.5}'
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Be quiet."""


@contextmanager
def overloaded_server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), type("Fresh", (Overloaded,), {})) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    with overloaded_server() as base:
        print(f"it is {temperature(base, 'Bergen')} °C in Bergen")


if __name__ == "__main__":
    main()
