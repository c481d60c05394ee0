"""The clients: a blocking one that asks with `urllib`, and one over asyncio streams; each of them bare and guarded.

The guarded ones differ from the bare ones by one line, the decorator. All of them hand back the body they got, whole
and right, or raise.
"""

from __future__ import annotations

import asyncio
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event
from typing import TYPE_CHECKING
from urllib.error import HTTPError

from holdfast import BackoffConfig, RetryPolicy, with_retry

from .script import body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

RETRIES = RetryPolicy(
    name="demo",
    max_attempts=8,
    backoff=BackoffConfig(type="exponential", initial_delay=0.1, max_delay=0.4, multiplier=2.0, jitter_factor=0.5),
    total_timeout=4.0,
)
"""Impatient delays, for a demonstration that ends soon; even the shortest of them add up to more than the outage."""


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


@dataclass(frozen=True)
class Site:
    """Where to ask, and how many seconds to wait for an answer; `halted` ends every call before its next attempt."""

    host: str
    port: int
    timeout: float
    halted: Event = field(default_factory=Event)


@dataclass
class Call:
    """One logical call: its number, and how many attempts have been made at it."""

    site: Site
    number: int
    attempts: int = 0

    def next_attempt(self) -> str:
        """Count an attempt and return the path to ask for; raises `Halted` when there is to be no other."""
        if self.site.halted.is_set():
            raise Halted
        self.attempts += 1
        return f"/calls/{self.number}?attempt={self.attempts}"

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
        with _OPENER.open(f"http://{site.host}:{site.port}{call.next_attempt()}", timeout=site.timeout) as response:
            return call.checked(response.read())
    except HTTPError as error:
        error.close()  # the error is an open response
        raise


async def ask_with_streams(call: Call) -> bytes:
    """Ask once, in HTTP/1.1 over asyncio streams."""
    site = call.site
    path = call.next_attempt()
    async with asyncio.timeout(site.timeout):
        reader, writer = await asyncio.open_connection(site.host, site.port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {site.host}:{site.port}\r\nConnection: close\r\n\r\n".encode())
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
def ask_with_urllib_and_holdfast(call: Call) -> bytes:
    """Ask with the blocking client until there is an answer, or no hope of one."""
    return ask_with_urllib(call)


@with_retry(RETRIES)
async def ask_with_streams_and_holdfast(call: Call) -> bytes:
    """Ask over asyncio streams until there is an answer, or no hope of one."""
    return await ask_with_streams(call)
