"""Retries of real MCP calls: a server that is well again is reached by a new session, and a missing tool asked for once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import ErrorClassifier, with_retry

from .mcp_client import alone_on_loopback, in_words, script, use
from .servers import answering, misbehaving, speaking_mcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AT_ONCE = {"type": "fixed", "initial_delay": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with misbehaving() as url:
        yield url


@pytest.fixture(autouse=True)
def _alone(server: str) -> Iterator[None]:
    with alone_on_loopback():
        yield


def text_of(result: Any) -> str:
    return str(result.content[0].text)


WELL = ("result", {"content": [{"type": "text", "text": "3"}]})


def addresses(server: str) -> list[Any]:
    """Ways to be told of a server that is well at the second attempt, by what the first one meets."""
    well = speaking_mcp(server, *WELL)
    first = {
        "unavailable at the start": answering(server, 503),
        "unavailable in the call": speaking_mcp(server, "answer", [503, {}]),
        "session gone": speaking_mcp(server, "answer", [404, {}]),
        "limited": speaking_mcp(server, "error", {"code": -32000, "message": "Too many requests"}),
        "reset in the call": speaking_mcp(server, "reset"),
        "hung up": f"{server}/close/",
    }
    return [[bad, well] for bad in first.values()]


async def test_a_server_that_is_well_at_the_second_attempt_is_reached_if_that_makes_a_session(server: str) -> None:
    for urls in addresses(server):
        attempts: list[str] = []

        @with_retry("mcp", backoff=AT_ONCE)
        async def add() -> str:
            attempts.append(urls[len(attempts)])
            return text_of(await use(attempts[-1]))

        assert (await add(), attempts) == ("3", urls)


async def test_a_process_that_stays_at_the_second_attempt_is_reached(tmp_path: Path) -> None:
    command = script("second", str(tmp_path / "been-here"))

    @with_retry("mcp", backoff=AT_ONCE)
    async def add() -> str:
        return text_of(await use(command))

    assert await add() == "3"


def test_so_it_is_by_a_plain_function(tmp_path: Path, server: str) -> None:
    urls = iter([answering(server, 503), speaking_mcp(server, *WELL)])
    command = script("second", str(tmp_path / "been-here"))

    @with_retry("mcp", backoff=AT_ONCE)
    def add(place: Callable[[], Any]) -> str:
        return text_of(asyncio.run(use(place())))

    assert add(lambda: next(urls)) == "3"
    assert add(lambda: command) == "3"


@pytest.mark.parametrize("classify_results", [False, True])
async def test_a_tool_that_is_not_there_is_asked_for_once(classify_results: bool) -> None:
    attempts: list[str] = []

    @with_retry("mcp", backoff=AT_ONCE, classify_results=classify_results)
    async def mix() -> Any:
        attempts.append("")
        return await use(script("serve"), "mix")

    assert text_of(await mix()) == "Unknown tool: mix"
    assert len(attempts) == 1


def test_nor_is_it_asked_for_again_if_the_server_answers_with_an_error(server: str) -> None:
    url = speaking_mcp(server, "error", {"code": -32602, "message": "Unknown tool: mix"})
    attempts: list[str] = []

    @with_retry("mcp", backoff=AT_ONCE)
    def mix() -> Any:
        attempts.append("")
        return asyncio.run(use(url, "mix"))

    with pytest.raises(ExceptionGroup) as caught:
        mix()
    assert in_words(ErrorClassifier().classify(caught.value)) == "PERMANENT MCP_TOOL_NOT_FOUND never success"
    assert len(attempts) == 1


async def test_a_tool_that_may_have_run_is_not_run_again_unless_that_does_no_harm() -> None:
    attempts: list[bool] = []

    async def die(harmless: bool) -> None:
        attempts.append(harmless)
        await use(script("serve"), "die")

    for harmless in (True, False):
        with pytest.raises(ExceptionGroup):
            await with_retry("mcp", max_attempts=2, backoff=AT_ONCE, idempotent=harmless)(die)(harmless)
    assert attempts == [True, True, False]
