"""The clients: a blocking one that asks with `urllib`, and one over asyncio streams; each of them bare and guarded.

The guarded ones differ from the bare ones by one decorator alone. All of them hand back the body they got, whole and
right, or raise.
"""

from __future__ import annotations

import asyncio
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Lock
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from holdfast import ResiliencePolicy, with_resilience, with_retry

from .guards import BREAKER, BULKHEAD, RETRIES
from .script import body_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Halted(BaseException):
    """The demonstration was interrupted: make no further attempt. As no `Exception` it is never retried."""


class WrongAnswerError(Exception):
    """The answer came whole and was not the right one."""


class StatusError(Exception):
    """The server answered with a status other than 200; holdfast reads `status` and `headers`."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.headers = headers


class Crowd:
    """How many attempts are under way, and the most there were at once; a ``with`` block is one that is."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.now = 0
        self.most = 0

    def __enter__(self) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


@dataclass(frozen=True)
class Site:
    """Where to ask, and how many seconds to wait for an answer; `halted` ends every call before its next attempt."""

    host: str
    port: int
    timeout: float
    halted: Event = field(default_factory=Event)
    crowd: Crowd = field(default_factory=Crowd)


@dataclass
class Call:
    """One logical call: its number, and how many attempts have been made at it."""

    site: Site
    number: int
    attempts: int = 0

    @contextmanager
    def attempt(self) -> Iterator[str]:
        """Count an attempt, made in this block, and give the path to ask for; raises `Halted` if none is to be made."""
        if self.site.halted.is_set():
            raise Halted
        self.attempts += 1
        with self.site.crowd:
            yield f"/calls/{self.number}?attempt={self.attempts}"

    def checked(self, body: bytes) -> bytes:
        """Return the body if it is the right answer; raises `WrongAnswerError` if not."""
        if body != body_of(self.number):
            raise WrongAnswerError(f"call {self.number} was answered with {len(body)} wrong bytes")
        return body


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is asked directly, whatever is set


def ask_with_urllib(call: Call) -> bytes:
    """Ask once, with the standard library's blocking client."""
    site = call.site
    try:
        with (
            call.attempt() as path,
            _OPENER.open(f"http://{site.host}:{site.port}{path}", timeout=site.timeout) as response,
        ):
            return call.checked(response.read())
    except HTTPError as error:
        error.close()  # the error is an open response
        raise


async def ask_with_streams(call: Call) -> bytes:
    """Ask once, in HTTP/1.1 over asyncio streams."""
    site = call.site
    with call.attempt() as path:
        async with asyncio.timeout(site.timeout):
            reader, writer = await asyncio.open_connection(site.host, site.port)
            try:
                writer.write(
                    f"GET {path} HTTP/1.1\r\nHost: {site.host}:{site.port}\r\nConnection: close\r\n\r\n".encode()
                )
                status, headers = _read_head(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(int(headers["content-length"]))
            finally:
                writer.close()
                with suppress(OSError):  # a connection that was reset cannot be closed in good order
                    await writer.wait_closed()
    if status != HTTPStatus.OK:
        raise StatusError(status, headers)
    return call.checked(body)


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    status_line, *lines = head.decode("ascii").split("\r\n")
    fields = (line.partition(":") for line in lines if line)
    return int(status_line.split()[1]), {name.lower(): value.strip() for name, _, value in fields}


@with_retry(RETRIES)
def ask_with_urllib_and_retry(call: Call) -> bytes:
    """Ask with the blocking client until there is an answer, or no hope of one."""
    return ask_with_urllib(call)


@with_retry(RETRIES)
async def ask_with_streams_and_retry(call: Call) -> bytes:
    """Ask over asyncio streams until there is an answer, or no hope of one."""
    return await ask_with_streams(call)


POLICY = ResiliencePolicy(retry=RETRIES, circuit_breaker=BREAKER, bulkhead=BULKHEAD, timeout=0.2)
"""All guards of a call. Each attempt may take far less than the client alone would wait."""

IN_CODE = """\
POLICY = ResiliencePolicy(
    retry=RETRIES, circuit_breaker=BREAKER, bulkhead=BULKHEAD, timeout=0.2)

@with_resilience("demo", POLICY)
def ask(call: Call) -> bytes:
    return ask_with_urllib(call)
"""
"""How calls come under a policy, as it is shown: what stands here, but for names and docstrings."""


@with_resilience("demo", POLICY)
def ask_with_urllib_under_policy(call: Call) -> bytes:
    """Ask with the blocking client while the circuit is closed, when it is this call's turn, and not for long."""
    return ask_with_urllib(call)


@with_resilience("demo", POLICY)
async def ask_with_streams_under_policy(call: Call) -> bytes:
    """Ask over asyncio streams in the same way: the same policy, and the same guards."""
    return await ask_with_streams(call)
