"""Tools of an MCP server: a search may be tried again after any failure, a letter must not be sent twice.

Run it: python examples/mcp_tool.py

The session stands for that of the MCP SDK. A tool that fails gives a result with `isError`, and no exception, so a
guard would take it for a success; `call` makes an exception of it that says of itself what it is. Both tools are of one
server, so they share its circuit and its bulkhead by name. What may be done twice is said for each.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

from holdfast import Classification, ErrorCode, get_breaker_registry, with_mcp_resilience

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LOST = Classification(category="TRANSIENT", code=ErrorCode.MCP_CONNECTION_FAILED)
WRONG = Classification(category="VALIDATION", code=ErrorCode.INVALID_INPUT)


class ToolError(Exception):
    """What the tool says went wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.__resilience__ = LOST if "upstream" in text else WRONG


class Session:
    """A server that does what it is told, and then fails as it is told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.troubles: list[Exception | str] = []

    def expect(self, *troubles: Exception | str) -> None:
        self.done, self.troubles = [], list(troubles)

    async def call_tool(self, name: str, text: str) -> SimpleNamespace:
        await asyncio.sleep(0)
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, ConnectionRefusedError):
            raise trouble  # it was never asked
        self.done.append(name)
        if isinstance(trouble, Exception):
            raise trouble  # it did it, but the answer got lost
        return SimpleNamespace(isError=bool(trouble), text=trouble or f"{name} of {text}: done")


SESSION = Session()
server = with_mcp_resilience("office-server")
careful = with_mcp_resilience("office-server", retry={"idempotent": False})


async def call(name: str, text: str) -> str:
    result = await SESSION.call_tool(name, text)
    if result.isError:
        raise ToolError(result.text)
    return str(result.text)


@server
async def search(text: str) -> str:
    return await call("search", text)


@careful
async def send(text: str) -> str:
    return await call("send", text)


async def show(what: str, tool: Callable[[str], Awaitable[str]], *troubles: Exception | str) -> None:
    SESSION.expect(*troubles)
    try:
        answer = await tool("kelp")
    except (ToolError, OSError) as error:
        answer = f"{type(error).__name__}; {error.__notes__[0]}"
    print(f"{what}: {answer} (ran: {len(SESSION.done)})")


async def main() -> None:
    await show("search, its upstream fails", search, "upstream is away")
    await show("search, answer lost", search, ConnectionResetError())
    await show("search, wrong input", search, "no such folder")
    await show("send, never reached the server", send, ConnectionRefusedError())
    await show("send, answer lost", send, ConnectionResetError())
    metrics = get_breaker_registry().get("office-server").metrics
    print(f"one circuit for both: {metrics.total_requests} requests, {metrics.failed_requests} of them failed")


if __name__ == "__main__":
    asyncio.run(main())
