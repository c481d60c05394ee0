"""A run of an agent: steps that fail for a moment are tried again, wrong input is not.

Run it: python examples/agent_run.py

The model and the tool stand for an LLM client and an MCP session. What they raise tells of itself what it is, through
the `__resilience__` attribute; errors of real clients are recognised without it.
"""

from __future__ import annotations

import asyncio

from holdfast import Classification, ErrorCategory, ErrorCode, retrying, with_retry


class ToolUnavailable(Exception):  # noqa: N818
    __resilience__ = Classification(
        category=ErrorCategory.TRANSIENT, code=ErrorCode.MCP_CONNECTION_FAILED, retry_scope="always"
    )


class InvalidInput(Exception):  # noqa: N818
    __resilience__ = Classification(category=ErrorCategory.VALIDATION, code=ErrorCode.AGENT_INVALID_INPUT)


class SearchTool:
    """Its server restarts while it is being asked."""

    def __init__(self) -> None:
        self.calls = 0

    async def search(self, query: str) -> list[str]:
        self.calls += 1
        await asyncio.sleep(0)
        if self.calls < 3:
            raise ToolUnavailable
        return [f"a page about {query}", f"another about {query}"]


TOOL = SearchTool()


@with_retry("mcp")
async def search(query: str) -> list[str]:
    return await TOOL.search(query)


@with_retry("agent")
async def answer(question: str) -> str:
    if not question.strip():
        raise InvalidInput
    pages = await search(question)
    return f"found {len(pages)} pages"


async def main() -> None:
    print(await answer("kelp"), f"after {TOOL.calls} calls of the tool")

    try:
        await answer(" ")
    except InvalidInput as error:
        print("refused at once:", error.__notes__[0])

    # A block of code rather than a function: the same policy, with a number for each attempt.
    async for attempt in retrying("agent", max_attempts=2):
        with attempt:
            print(f"attempt {attempt.number}:", await answer("holdfast"))


if __name__ == "__main__":
    asyncio.run(main())
