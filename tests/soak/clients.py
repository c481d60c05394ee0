"""Clients of the standard library, bare, that count what they begin and send, and check what they get."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.error import HTTPError

from holdfast import HoldfastError, time_left
from holdfast.switch import is_enabled

from .dependency import StatusError
from .findings import Findings
from .server import HOST, body_of

PATIENCE = 0.4
"""Seconds that a client waits for its server, if nobody else has a limit."""

EXPECTED = (HoldfastError, OSError, EOFError, http.client.HTTPException, StatusError)
"""How a call may fail."""

WRONG = "an answer that was another call's"
CROWDED = "more calls inside than there are permits"


class Tally:
    """What the clients have counted, by (service, what); `most` may be inside a service while all is guarded."""

    def __init__(self, findings: Findings, most: int) -> None:
        self.findings = findings
        self.most = most
        self.is_exact = True
        findings.expect(WRONG)
        findings.expect(CROWDED)
        self._numbers = itertools.count()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._inside: Counter[str] = Counter()
        self.renew()

    def renew(self) -> None:
        """In a forked child: count from zero, with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._counts.clear()
        self._inside.clear()

    def count(self, service: str, what: str) -> None:
        with self._lock:
            self._counts[service, what] += 1

    def add(self, counts: dict[str, dict[str, int]], *, of: tuple[str, ...]) -> None:
        """Add what another process has counted of that."""
        with self._lock:
            for service, each in counts.items():
                for what in of:
                    self._counts[service, what] += each.get(what, 0)

    def counts(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        with self._lock:
            for (service, what), number in self._counts.items():
                found.setdefault(service, {})[what] = number
        return found

    @contextlib.contextmanager
    def attempt(self, service: str) -> Iterator[int]:
        """One attempt, begun in this block; gives its number."""
        is_guarded = is_enabled()
        with self._lock:
            number = next(self._numbers)
            self._counts[service, "begun" if is_guarded else "unguarded"] += 1
            if is_guarded:
                self._inside[service] += 1
                if self._inside[service] > self.most and self.is_exact:
                    self.findings.mishap(CROWDED, f"{service}: {self._inside[service]}")
        try:
            yield number
        finally:
            if is_guarded:
                with self._lock:
                    self._inside[service] -= 1

    def check(self, service: str, number: int, body: bytes) -> str:
        if body != body_of(service, number):
            self.findings.mishap(WRONG, f"{service} {number}: {body[:40]!r}")
        self.count(service, "whole")
        return "answer"


class Clients:
    """All of them ask the same server; `closed` is a port at which nobody listens, for one attempt in fifty."""

    def __init__(self, tally: Tally, port: int, closed: int, services: Iterable[str]) -> None:
        self.tally = tally
        self.port = port
        self.closed = closed
        self._connections: dict[str, type[http.client.HTTPConnection]] = {}
        self._openers: dict[str, urllib.request.OpenerDirector] = {}
        for service in services:
            self._connections[service] = kind = _connection(tally, service)
            self._openers[service] = _opener(kind)

    def _port(self, number: int) -> int:
        return self.port if number % 50 else self.closed

    def with_http_client(self, service: str) -> str:
        with self.tally.attempt(service) as number:
            connection = self._connections[service](HOST, self._port(number), timeout=_patience())
            try:
                connection.request("GET", f"/{service}/{number}")
                response = connection.getresponse()
                body = response.read()
            finally:
                connection.close()
            if response.status != 200:
                raise StatusError(response.status, dict(response.headers))
            return self.tally.check(service, number, body)

    def with_urllib(self, service: str) -> str:
        """This one does not know of deadlines, and is left behind in its worker when it takes too long."""
        with self.tally.attempt(service) as number:
            url = f"http://{HOST}:{self._port(number)}/{service}/{number}"
            try:
                with self._openers[service].open(url, timeout=PATIENCE) as response:
                    return self.tally.check(service, number, response.read())
            except HTTPError as error:
                error.close()  # it is an open response
                raise

    async def with_streams(self, service: str) -> str:
        with self.tally.attempt(service) as number:
            async with asyncio.timeout(_patience()):
                reader, writer = await asyncio.open_connection(HOST, self._port(number))
                try:
                    writer.write(f"GET /{service}/{number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                    self.tally.count(service, "sent")
                    status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
                    body = await reader.readexactly(int(headers["content-length"]))
                finally:
                    writer.transport.abort()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
            if status != 200:
                raise StatusError(status, headers)
            return self.tally.check(service, number, body)


def _patience() -> float:
    return max(0.001, time_left(PATIENCE))


def _connection(tally: Tally, service: str) -> type[http.client.HTTPConnection]:
    class Counting(http.client.HTTPConnection):
        def send(self, data: Any) -> None:
            super().send(data)
            tally.count(service, "sent")

    return Counting


def _opener(kind: Any) -> urllib.request.OpenerDirector:
    class Handler(urllib.request.HTTPHandler):
        def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(kind, request)

    return urllib.request.build_opener(urllib.request.ProxyHandler({}), Handler)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    if not status_line.startswith("HTTP/"):
        raise http.client.BadStatusLine(status_line)
    return int(status_line.split()[1]), {name.lower(): value.strip() for name, _, value in fields}
