"""Every misbehaviour really happens, seen from a bare socket; and the server leaves nothing behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from holdfast.demo.script import Behaviour, Phase, Script, body_of
from holdfast.demo.server import Server

PLAIN = Script(seed=1)
ENOUGH = 5.0  # seconds that an answer may take on the slowest of machines


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(PLAIN, stall=60.0, retry_after=7, retry_after_ms=250) as running:
        yield running


def call_with(behaviour: Behaviour) -> int:
    """The first call whose first attempt meets with this."""
    return next(call for call in range(50) if PLAIN.behaviour(call=call, attempt=1) is behaviour)


def connected(server: Server, *, timeout: float = ENOUGH) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=timeout)


def exchange(server: Server, request: str) -> bytes:
    """Send the request and return all that comes until the server closes the connection."""
    with connected(server) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def ask(server: Server, call: int, attempt: int = 1) -> tuple[str, dict[str, str], bytes]:
    head, _, body = exchange(server, get(call, attempt)).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


def get(call: int, attempt: int = 1) -> str:
    return f"GET /calls/{call}?attempt={attempt} HTTP/1.1\r\nHost: loopback\r\n\r\n"


def server_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "holdfast-demo-server"]


def test_an_answer_comes_whole(server: Server) -> None:
    call = call_with(Behaviour.ANSWER)
    status, headers, body = ask(server, call)
    assert status == "HTTP/1.1 200 OK"
    assert body == body_of(call)
    assert headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    ("behaviour", "status", "header"),
    [
        (Behaviour.BUSY, "HTTP/1.1 503 Service Unavailable", ("retry-after-ms", "250")),
        (Behaviour.PAUSE, "HTTP/1.1 503 Service Unavailable", ("Retry-After", "7")),
        (Behaviour.LIMITED, "HTTP/1.1 429 Too Many Requests", ("retry-after-ms", "250")),
    ],
)
def test_a_busy_server_says_when_to_come_back(
    server: Server, behaviour: Behaviour, status: str, header: tuple[str, str]
) -> None:
    told, headers, body = ask(server, call_with(behaviour))
    assert told == status
    assert header in headers.items()
    assert headers["Content-Length"] == str(len(body))


def test_what_is_missing_is_a_404_without_a_hint_to_come_back(server: Server) -> None:
    status, headers, _ = ask(server, call_with(Behaviour.MISSING))
    assert status == "HTTP/1.1 404 Not Found"
    assert headers.keys() == {"Content-Length", "Connection"}


def test_a_reset_is_a_reset_and_not_an_orderly_end(server: Server) -> None:
    with pytest.raises(ConnectionResetError):
        ask(server, call_with(Behaviour.RESET))


def test_a_truncated_body_is_shorter_than_its_head_promises(server: Server) -> None:
    call = call_with(Behaviour.TRUNCATED)
    status, headers, body = ask(server, call)
    assert status == "HTTP/1.1 200 OK"
    assert headers["Content-Length"] == str(len(body_of(call)))
    assert body == body_of(call)[: len(body_of(call)) // 2]


def test_a_stalled_answer_does_not_come_while_the_client_waits(server: Server) -> None:
    with connected(server, timeout=0.05) as connection:
        connection.sendall(get(call_with(Behaviour.STALL)).encode())
        with pytest.raises(TimeoutError):
            connection.recv(1)
        ask(server, call_with(Behaviour.ANSWER))  # others are answered meanwhile
    assert server.acted == {Behaviour.STALL: 1, Behaviour.ANSWER: 1}
    assert server.stalled == {call_with(Behaviour.STALL)}


def test_a_stalled_answer_comes_late_to_those_who_wait_for_it() -> None:
    with Server(PLAIN, stall=0.01) as server:
        call = call_with(Behaviour.STALL)
        assert ask(server, call)[2] == body_of(call)


def outcome(server: Server, call: int, attempt: int) -> str:
    try:
        return ask(server, call, attempt)[0]
    except ConnectionResetError:
        return "reset"


def test_in_an_outage_every_request_is_reset_or_refused_and_afterwards_they_are_answered_again() -> None:
    script = Script(seed=1, outage=range(10, 30))
    down = {"reset", "HTTP/1.1 503 Service Unavailable"}
    with Server(script) as server:
        server.reached = 29
        assert {outcome(server, call, attempt) for call in range(10, 30) for attempt in (1, 2)} == down
        assert sum(server.acted.values()) == server.acted[Behaviour.RESET] + server.acted[Behaviour.DOWN] == 40
        server.reached = 30
        afterwards = {outcome(server, call, 2) for call in range(10, 30) if call != call_with(Behaviour.MISSING)}
    assert afterwards == {"HTTP/1.1 200 OK"}


def test_the_server_counts_what_it_did(server: Server) -> None:
    for behaviour in (Behaviour.ANSWER, Behaviour.BUSY, Behaviour.ANSWER):
        ask(server, call_with(behaviour))
    assert server.acted == {Behaviour.ANSWER: 2, Behaviour.BUSY: 1}


def test_the_server_counts_how_many_came_in_each_phase() -> None:
    with Server(Script(seed=1, outage=range(10, 30))) as server:
        for call in (0, 9, 10, 20, 29, 30):
            outcome(server, call, 1)
    assert server.requests == {Phase.ROUGH: 2, Phase.OUTAGE: 3, Phase.WELL: 1}


def test_the_server_takes_its_time_over_every_request() -> None:
    with Server(PLAIN, pace=3600.0) as server, connected(server, timeout=0.05) as connection:
        connection.sendall(get(call_with(Behaviour.ANSWER)).encode())
        with pytest.raises(TimeoutError):
            connection.recv(1)
    with Server(PLAIN, pace=0.01) as server:
        call = call_with(Behaviour.ANSWER)
        assert ask(server, call)[2] == body_of(call)


@pytest.mark.parametrize(
    "request_", ["GET / HTTP/1.1\r\n\r\n", "POST /calls/1?attempt=1 HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n"]
)
def test_a_request_for_anything_else_is_told_what_to_ask_for(server: Server, request_: str) -> None:
    answer = exchange(server, request_)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b"ask for /calls/NUMBER?attempt=NUMBER\n")
    assert not server.acted


@pytest.mark.parametrize("begun", ["", "GET /calls/1", "x" * 100_000])
def test_a_client_that_leaves_early_or_sends_too_much_harms_nobody(server: Server, begun: str) -> None:
    with connected(server) as connection, suppress(ConnectionError):
        connection.sendall(begun.encode())
    call = call_with(Behaviour.ANSWER)
    assert ask(server, call)[2] == body_of(call)


def test_stopping_ends_a_stalled_answer_and_an_idle_connection_at_once() -> None:
    with Server(PLAIN, stall=3600.0) as server:
        idle, stalled = connected(server), connected(server)
        stalled.sendall(get(call_with(Behaviour.STALL)).encode())
        ask(server, call_with(Behaviour.ANSWER))  # by now the server has taken the other two
    for connection in (idle, stalled):
        with connection:
            assert ended(connection)
    assert server_threads() == []


def ended(connection: socket.socket) -> bool:
    """Whether the other side is gone, orderly or not."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_port_that_is_taken_is_an_error_for_who_started_the_server_and_leaves_no_thread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="address already in use|10048"):
            with Server(PLAIN, port=taken.getsockname()[1]):
                raise AssertionError("it has not started")
    assert server_threads() == []
