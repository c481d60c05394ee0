"""The MCP SDK's client, used alike in both of its major versions: sessions over standard streams and over HTTP."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import mcp
import pytest
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from holdfast import Classification

VERSION = 2 if hasattr(mcp, "MCPError") else 1
PATIENCE = 5.0
"""Seconds that a client waits for an answer, unless the test is about that."""

SERVER = str(Path(__file__).parent / "mcp_server.py")


def script(*words: str) -> list[str]:
    """The command line of a server over standard streams that does what these words say."""
    return [sys.executable, SERVER, *words]


@contextlib.asynccontextmanager
async def session(server: str | list[str], patience: float = PATIENCE, http_client: Any = None) -> AsyncIterator[Any]:
    """Connect to a URL or to a command line; gives what has `call_tool`.

    Version 2 first asks which protocol the server speaks and waits 10 s for an answer, so it is spared that question if
    it has less patience.
    """
    with Path(os.devnull).open("w") as nowhere:
        if isinstance(server, str):
            transport = streamable_http_client(server, http_client=http_client)
        else:
            told = StdioServerParameters(command=server[0], args=server[1:])
            transport = stdio_client(told, errlog=nowhere)
        if VERSION == 2:
            mode = "auto" if patience == PATIENCE else "legacy"
            async with mcp.Client(transport, read_timeout_seconds=patience, mode=mode) as client:
                yield client
        else:
            limit = timedelta(seconds=patience)
            async with transport as streams, mcp.ClientSession(streams[0], streams[1], limit) as client:
                await client.initialize()
                yield client


def seconds(number: float) -> Any:
    """A limit of time for one call, in the unit of this version."""
    return number if VERSION == 2 else timedelta(seconds=number)


async def use(server: str | list[str], tool: str = "add", patience: float = PATIENCE) -> Any:
    """Make a session, call one tool in it, and end the session."""
    async with session(server, patience) as client:
        return await client.call_tool(tool, {"a": 1, "b": 2} if tool == "add" else {})


def run(work: Callable[[], Awaitable[Any]], runtime: str) -> Any:
    return anyio.run(work, backend=runtime)


async def raised_in(work: Awaitable[Any]) -> BaseException:
    """What the work raises, a cancellation by the session included."""
    try:
        value = await work
    except BaseException as error:
        return error
    raise AssertionError(f"nothing was raised, but returned: {value!r}")


def in_words(said: Classification | None) -> str:
    return "no failure" if said is None else f"{said.category} {said.code} {said.retry_scope} {said.circuit_outcome}"


@contextlib.contextmanager
def alone_on_loopback() -> Iterator[None]:
    """Talk to loopback past any proxy; leave no process, and no thread but those that trio keeps for a while."""
    before = set(threading.enumerate())
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        yield
    given_up = time.monotonic() + 3
    while (left := _children() + _threads(before)) and time.monotonic() < given_up:
        time.sleep(0.01)
    assert not left


def _children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").glob("*/children"):  # of Linux; elsewhere nothing is found
        with contextlib.suppress(OSError):  # that thread is gone
            found += task.read_text().split()
    return found


def _threads(before: set[threading.Thread]) -> list[str]:
    """Other threads than before; those in which our own server answers end with the connection."""
    now = [each.name for each in threading.enumerate() if each not in before]
    return [name for name in now if not name.startswith("Trio thread") and "process_request" not in name]
