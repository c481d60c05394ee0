"""What the real Redis client raises when a server on loopback misbehaves or refuses, and how it is judged."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import struct
import threading
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from holdfast import ErrorClassifier

from .clients import raised_by
from .servers import nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast import Classification

TIMEOUT = 0.5


class _Handler(socketserver.StreamRequestHandler):
    timeout = 10

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (words := self._command()) is not None:
                if words[0] in {b"CLIENT", b"HELLO", b"SELECT"}:
                    self.wfile.write(b"+OK\r\n")
                elif not self._misbehave():
                    return

    def _command(self) -> list[bytes] | None:
        count = self.rfile.readline()
        if not count.startswith(b"*"):
            return None
        words = []
        for _ in range(int(count[1:])):
            length = int(self.rfile.readline()[1:])
            words.append(self.rfile.read(length + 2)[:-2].upper())
        return words

    def _misbehave(self) -> bool:
        reply: bytes = self.server.reply  # type: ignore[attr-defined]
        if reply == b"reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif reply == b"stall":
            self.connection.recv(1)
        elif reply != b"close":
            self.wfile.write(reply)
            return True
        return False


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A server that answers each command so; gives its port."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.reply = reply  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "socket_timeout": TIMEOUT, "retry": Retry(NoBackoff(), 0), "protocol": 2}


def by_thread(port: int) -> None:
    with redis.Redis(**settings(port)) as client:
        client.get("key")


def by_task(port: int) -> None:
    async def get() -> None:
        from redis.asyncio.retry import Retry as AsyncRetry

        told = {**settings(port), "retry": AsyncRetry(NoBackoff(), 0)}
        async with redis.asyncio.Redis(**told) as client:
            await client.get("key")

    asyncio.run(get())


doors = pytest.mark.parametrize("call", [by_thread, by_task])


def judged(call: Callable[[int], None], port: int) -> Classification:
    return ErrorClassifier().classify(raised_by(lambda: call(port)))


@doors
@pytest.mark.parametrize(
    ("reply", "category", "codes", "scope", "outcome"),
    [
        (b"close", "TRANSIENT", {"CONNECTION_CLOSED", "CONNECTION_RESET"}, "idempotent", "failure"),
        (b"reset", "TRANSIENT", {"CONNECTION_RESET", "CONNECTION_CLOSED"}, "idempotent", "failure"),
        (b"stall", "TRANSIENT", {"TIMEOUT", "READ_TIMEOUT"}, "idempotent", "failure"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "EXTERNAL", {"INVALID_RESPONSE"}, None, "failure"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "TRANSIENT", None, "always", "failure"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", "TRANSIENT", None, "always", "failure"),
        (b"-READONLY You can't write against a read only replica.\r\n", "TRANSIENT", None, "reconnect", "failure"),
        (b"-NOAUTH Authentication required.\r\n", "AUTH", None, "never", "success"),
        (b"-NOPERM this user has no permissions\r\n", "AUTH", {"FORBIDDEN"}, "never", "success"),
        (
            b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
            "VALIDATION",
            None,
            "never",
            "success",
        ),
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "RESOURCE", None, None, None),
        (b"-ERR max number of clients reached\r\n", "RESOURCE", {"TOO_MANY_CONNECTIONS"}, "always", None),
    ],
)
def test_each_way_to_fail_has_its_verdict(
    call: Callable[[int], None],
    reply: bytes,
    category: str,
    codes: set[str] | None,
    scope: str | None,
    outcome: str | None,
) -> None:
    with answering(reply) as port:
        said = judged(call, port)
    assert said.category == category, said
    assert codes is None or said.code in codes, said
    assert scope is None or said.retry_scope == scope, said
    assert outcome is None or said.circuit_outcome == outcome, said


@doors
def test_a_refused_connection_is_safe_to_try_again(call: Callable[[int], None]) -> None:
    with nobody() as url:
        said = judged(call, int(url.rpartition(":")[2]))
    assert (said.category, said.code, said.retry_scope) == ("TRANSIENT", "CONNECTION_REFUSED", "always"), said
