"""Servers on loopback that misbehave on purpose, each in one way, named by the path that a client asks for."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import threading
import urllib.parse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 10.0
"""No connection outlives this, whatever a client does."""

_TLS_HELLO = b"\x16"


class _Misbehaving(socketserver.StreamRequestHandler):
    """Answers each request on a connection as its path says: /<behaviour>?<settings>/anything."""

    timeout = _PATIENCE

    def handle(self) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            while self._answer_one():
                pass

    def _answer_one(self) -> bool:
        if self.rfile.peek(1)[:1] == _TLS_HELLO:  # type: ignore[attr-defined]
            self._send(400, {"Connection": "close"}, b"plain HTTP is spoken here")
            return False
        line = self.rfile.readline(65536).decode("latin-1")
        if not line.strip():
            return False
        length = 0
        while (header := self.rfile.readline(65536).strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            if name.lower() == "content-length":
                length = int(value)
        self.body = self.rfile.read(length)
        path = line.split(" ")[1]
        behaviour, _, settings = path.lstrip("/").split("/")[0].partition("~")
        answer = getattr(self, f"do_{behaviour}")
        return bool(answer(*[json.loads(urllib.parse.unquote(settings))] if settings else []))

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> bool:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return True

    def do_answer(self, told: list[Any]) -> bool:
        status, headers = told
        return self._send(status, {"Content-Type": "application/json", **headers}, b'{"error": {"message": "no"}}')

    def do_page(self) -> bool:
        return self._send(200, {"Content-Type": "text/html"}, b"<html>maintenance</html>")

    def do_close(self) -> bool:
        return False

    def do_reset(self) -> bool:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        return False

    def do_stall(self) -> bool:
        self.connection.recv(1)  # until the client gives up
        return False

    def do_cut(self) -> bool:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        return False

    def do_dribble(self) -> bool:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        self.wfile.flush()
        return self.do_stall()

    def do_garbage(self) -> bool:
        self.wfile.write(b"\x15\x03\x01 this is no HTTP at all\r\n\r\n")
        return False

    def do_mcp(self, told: list[Any]) -> bool:
        """Speak MCP as it should be spoken, but misbehave as told whenever a tool is called."""
        message = json.loads(self.body or b"{}")
        method = message.get("method", "")
        if method == "initialize":
            about = {"capabilities": {"tools": {}}, "serverInfo": {"name": "loopback", "version": "1"}}
            return self._say(message, "result", {"protocolVersion": message["params"]["protocolVersion"], **about})
        if method == "tools/call":
            behaviour, *settings = told
            if behaviour in {"result", "error"}:
                return self._say(message, behaviour, *settings)
            return bool(getattr(self, f"do_{behaviour}")(*settings))
        if method == "tools/list":
            return self._say(message, "result", {"tools": []})
        if "id" in message:
            return self._say(message, "error", {"code": -32601, "message": "Method not found"})
        return self._send(202 if method else 405, {}, b"")

    def _say(self, asked: dict[str, Any], kind: str, value: Any) -> bool:
        body = json.dumps({"jsonrpc": "2.0", "id": asked["id"], kind: value}).encode()
        return self._send(200, {"Content-Type": "application/json", "Mcp-Session-Id": "one"}, body)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the clients tell what happened."""


@contextlib.contextmanager
def misbehaving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve on loopback, with TLS if a context is given; gives the URL."""
    server = _Server(("127.0.0.1", 0), _Misbehaving)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """The URL of a port at which nobody listens, kept so until the end."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def speaking_mcp(url: str, *told: Any) -> str:
    """The URL of an MCP server whose tools do this: a behaviour and its settings, or "result" or "error" and a value."""
    return f"{url}/mcp~{urllib.parse.quote(json.dumps(told), safe='')}/"


def answering(url: str, status: int, headers: dict[str, str] | None = None) -> str:
    """The base URL below which everything is answered with this status and these headers."""
    return f"{url}/answer~{urllib.parse.quote(json.dumps([status, headers or {}]), safe='')}"
