"""A small HTTP server on loopback that acts out the script: it answers, refuses, resets, cuts short, stalls.

It runs in a thread of its own on an event loop of its own, so that the clients under test share nothing with it but
sockets. A connection carries one request and one answer.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from collections import Counter
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from .script import Behaviour, Phase, Script, body_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUEST_LINE = re.compile(rb"GET /calls/(\d+)\?attempt=(\d+) HTTP/1\.1\r\n")

# `struct linger` switched on with a time of 0: closing the socket then sends a reset instead of an orderly end.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Server:
    """The misbehaving server; a ``with`` block starts and stops it.

    `pace` is how many seconds it takes over every request, whatever comes of it; `stall` is how many seconds late a
    stalled answer comes; `retry_after` (whole seconds) and `retry_after_ms` are what it asks for when it is busy.
    `reached` is set by the sender to the number of the newest call, and so moves the script into its outage and out of
    it. `acted` counts what was done, one entry per request that arrived, and `requests` how many arrived in each phase;
    `stalled` are the numbers of the calls at which it stalled.

    >>> with Server(Script(seed=1)) as server:
    ...     server.host
    '127.0.0.1'

    Raises `OSError` on entering when it cannot listen on loopback.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        script: Script,
        *,
        pace: float = 0.0,
        stall: float = 1.0,
        retry_after: int = 1,
        retry_after_ms: int = 150,
        port: int = 0,
    ) -> None:
        self.script = script
        self.pace = pace
        self.stall = stall
        self.port = port
        self.reached = 0
        self.acted: Counter[Behaviour] = Counter()
        self.requests = dict.fromkeys(Phase, 0)
        self.stalled: set[int] = set()
        milliseconds = {"retry-after-ms": str(retry_after_ms)}
        self._refusals: dict[Behaviour, tuple[str, bytes, Mapping[str, str]]] = {
            Behaviour.BUSY: ("503 Service Unavailable", b"busy\n", milliseconds),
            Behaviour.PAUSE: ("503 Service Unavailable", b"busy\n", {"Retry-After": str(retry_after)}),
            Behaviour.LIMITED: ("429 Too Many Requests", b"slow down\n", milliseconds),
            Behaviour.DOWN: ("503 Service Unavailable", b"down\n", {}),
            Behaviour.MISSING: ("404 Not Found", b"no such call\n", {}),
        }
        self._connections: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        listening: Future[int] = Future()
        self._thread = Thread(
            target=asyncio.run, args=[self._main(listening)], name="holdfast-demo-server", daemon=True
        )
        self._thread.start()
        try:
            self.port = listening.result()
        except OSError:
            self._thread.join()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _main(self, listening: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            server = await asyncio.start_server(self._converse, self.host, self.port, backlog=256)
        except OSError as error:  # it belongs to the thread that waits for us
            listening.set_exception(error)
            return
        listening.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        # End every conversation, and close the server in a step in which no connection is just being accepted: asyncio
        # would drop that one without closing its socket.
        while len(asyncio.all_tasks()) > 1:
            for connection in self._connections:
                connection.transport.abort()
            await asyncio.sleep(0)
        server.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            # The client may leave at any moment: it gives up on a stalled answer, or is interrupted.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                request = await reader.readuntil(b"\r\n\r\n")
                await self._act(request, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            self._connections.discard(writer)

    async def _act(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        asked = _REQUEST_LINE.match(request)
        if asked is None:
            await _send(writer, "400 Bad Request", b"ask for /calls/NUMBER?attempt=NUMBER\n")
            return
        call, attempt = int(asked[1]), int(asked[2])
        phase = self.script.phase(call=call, attempt=attempt, reached=self.reached)
        behaviour = self.script.behaviour(call=call, attempt=attempt, phase=phase)
        self.acted[behaviour] += 1
        self.requests[phase] += 1
        await self._let_pass(self.pace)
        if behaviour is Behaviour.RESET:
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        elif behaviour in self._refusals:
            await _send(writer, *self._refusals[behaviour])
        else:
            if behaviour is Behaviour.STALL:
                self.stalled.add(call)
                await self._let_pass(self.stall)
            body = body_of(call)
            sent = body[: len(body) // 2] if behaviour is Behaviour.TRUNCATED else body
            await _send(writer, "200 OK", sent, {"Content-Length": str(len(body))})

    async def _let_pass(self, seconds: float) -> None:
        """Wait for so long, or until the server is stopped."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


async def _send(
    writer: asyncio.StreamWriter, status: str, body: bytes, headers: Mapping[str, str] = MappingProxyType({})
) -> None:
    head = {"Content-Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in head.items())]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
