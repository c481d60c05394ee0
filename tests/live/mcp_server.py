"""A real MCP server that speaks over its standard streams, made with either major version of the SDK.

Run it with what it should do first: `serve`, `exit` (at once), `mute` (never answer), or `second` and a path: exit the
first time, when the file is not there yet, and serve the next.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def serve() -> None:
    import anyio

    try:
        from mcp import MCPError as Refusal
        from mcp.server.mcpserver import MCPServer as Server

        refusal = Refusal(-32050, "the house is full")
    except ImportError:
        from mcp import McpError
        from mcp.server.fastmcp import FastMCP as Server
        from mcp.types import ErrorData

        refusal = McpError(ErrorData(code=-32050, message="the house is full"))

    async def add(a: int, b: int) -> int:
        return a + b

    async def burn() -> str:
        raise ValueError("the oven is cold")

    async def set_timeout() -> str:
        raise ValueError("no such timer")

    async def order() -> str:
        raise RuntimeError("Rate limit exceeded, come back later")

    async def refuse() -> str:
        raise refusal

    async def slow() -> str:
        await anyio.sleep(1)
        return "done"

    async def die() -> str:
        os._exit(1)

    def greet(who: str) -> str:
        return f"hello, {who}"

    server = Server("kitchen", log_level="CRITICAL")
    for tool in (add, burn, set_timeout, order, refuse, slow, die):
        server.add_tool(tool)
    server.prompt()(greet)
    server.run("stdio")


def main(what: str, path: str = "") -> None:
    if what == "mute":
        sys.stdin.read()  # until the client gives up
    elif what == "serve" or (what == "second" and Path(path).exists()):
        serve()
    elif what == "second":
        Path(path).touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
