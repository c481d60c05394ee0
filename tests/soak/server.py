"""A process of its own that serves HTTP on loopback, misbehaves as it is told, and counts what reaches it.

`GET /<service>/<number>` is answered as the phase has it. `GET /control/<phase>` begins a phase and tells the counts.
It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

HOST = "127.0.0.1"
PHASES = ("healthy", "slow", "failing", "down", "limiting", "recovering")
_BACKLOG = 1024


def body_of(service: str, number: int) -> bytes:
    """The one right answer, which differs from call to call."""
    return f"{service} {number} ".encode() * (1 + number % 40)


class _Server:
    """What it does and what it has counted."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.phase = "healthy"
        self.arrived: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                request = await reader.readuntil(b"\r\n\r\n")
                service, _, number = request.split(b" ")[1].decode().strip("/").partition("/")
                if service == "control":
                    self.phase = number or self.phase
                    counts = {"arrived": self.arrived, "answered": self.answered}
                    await _send(writer, 200, json.dumps(counts).encode())
                else:
                    self.arrived[service] += 1
                    await self.act(service, int(number), writer)
            finally:
                writer.close()
                await writer.wait_closed()

    async def act(self, service: str, number: int, writer: asyncio.StreamWriter) -> None:
        trouble = self.chance.random()
        await asyncio.sleep(0.001 * self.chance.randint(0, 4))
        match self.phase:
            case "slow" if trouble < 0.3:
                await asyncio.sleep(0.3 if trouble < 0.2 else 0.7)
            case "failing" if trouble < 0.3:
                await self.fail(service, number, writer)
                return
            case "down":
                _reset(writer)
                return
            case "limiting" if trouble < 0.6:
                again = {"Retry-After": "1"} if trouble < 0.05 else {"Retry-After-Ms": "40"}
                await _send(writer, 429, b"slow down", again)
                return
            case "recovering" if trouble < 0.1:
                await _send(writer, 503, b"not yet")
                return
        self.answered[service] += 1
        await _send(writer, 200, body_of(service, number))

    async def fail(self, service: str, number: int, writer: asyncio.StreamWriter) -> None:
        match self.chance.randrange(5):
            case 0:
                _reset(writer)
            case 1:
                await _send(writer, 500, b"oh")
            case 2:
                body = body_of(service, number)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
            case 3:
                writer.write(b"\x15\x03\x01 this is no HTTP at all\r\n\r\n")
            case _:
                await _send(writer, 503, b"busy")


async def _send(writer: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    fields = {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    head = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(head).encode() + body)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _serve(seed: int) -> None:
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(_Server(seed).converse, HOST, 0, backlog=_BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


class Remote:
    """The server as whoever runs the soak sees it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def counts(self, phase: str = "") -> dict[str, Any]:
        """Return what has reached it; begins that phase, if one is given."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("GET", f"/control/{phase}")
            counts: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return counts


@contextlib.contextmanager
def serving(seed: int) -> Iterator[Remote]:
    """Serve in another process until the block is over."""
    command = [sys.executable, "-m", __name__, str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Remote(int(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
