"""What the real MCP SDK raises and returns when a server is misused, dies or misbehaves, and how it is judged.

Each situation is written once for both major versions of the SDK; where these tell of it differently, both verdicts stand
here. The client runs on asyncio and on trio.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from holdfast import ErrorClassifier

from .mcp_client import VERSION, alone_on_loopback, in_words, raised_in, run, script, seconds, session, use
from .servers import answering, misbehaving, nobody, speaking_mcp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from holdfast import Classification

SERVE = script("serve")

on_each_runtime = pytest.mark.parametrize("runtime", ["asyncio", "trio"])


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with misbehaving() as url:
        yield url


@pytest.fixture(autouse=True)
def _alone(server: str) -> Iterator[None]:
    with alone_on_loopback():
        yield


def judged(work: Callable[[], Awaitable[Any]], runtime: str = "asyncio") -> Classification:
    """The verdict on what comes out of the work."""

    async def failing() -> BaseException:
        return await raised_in(work())

    return ErrorClassifier().classify(run(failing, runtime))


def here(first: str, second: str) -> str:
    """The verdict for the version at hand, of those for the first and the second."""
    return second if VERSION == 2 else first


# -- a tool that says no -------------------------------------------------------------------------------------------

NO_TOOL = "PERMANENT MCP_TOOL_NOT_FOUND never success"
NO_RESOURCE = "PERMANENT NOT_FOUND never success"
BAD_ARGUMENTS = "VALIDATION INVALID_INPUT never success"
FAILED = "EXTERNAL SERVER_ERROR never failure"
LIMITED = "EXTERNAL EXTERNAL_RATE_LIMITED always ignore"


@on_each_runtime
@pytest.mark.parametrize(
    ("tool", "arguments", "verdict"),
    [
        ("add", {"a": 1, "b": 2}, "no failure"),
        ("no_such_tool", {}, NO_TOOL),
        ("add", {"a": "many"}, BAD_ARGUMENTS),
        ("burn", {}, FAILED),
        ("set_timeout", {}, FAILED),  # whatever the name of the tool
        ("order", {}, here(LIMITED, FAILED)),  # version 2 keeps to itself what the tool raised
    ],
)
def test_a_tool_that_failed_is_a_result_and_judged_as_one(
    tool: str, arguments: dict[str, Any], verdict: str, runtime: str
) -> None:
    async def call() -> Any:
        async with session(SERVE) as client:
            return await client.call_tool(tool, arguments)

    result = run(call, runtime)
    assert in_words(ErrorClassifier().classify_result(result)) == verdict


@on_each_runtime
def test_an_mcp_error_raised_by_a_tool_is_a_failure_either_way(runtime: str) -> None:
    """It comes as a result by version 1, and as an error with its own number by version 2."""

    async def call() -> Any:
        async with session(SERVE) as client:
            try:
                return await client.call_tool("refuse", {})
            except Exception as error:
                return error

    told = run(call, runtime)
    assert isinstance(told, Exception) == (VERSION == 2)
    assert in_words(ErrorClassifier().classify_result(told)) == FAILED


@on_each_runtime
@pytest.mark.parametrize(
    ("ask", "verdict"),
    [
        (lambda client: client.read_resource("thing://none"), NO_RESOURCE),
        # Version 2 keeps to itself also what a prompt raised, and says "Internal server error".
        (lambda client: client.get_prompt("none"), here(NO_RESOURCE, "EXTERNAL SERVER_ERROR idempotent failure")),
        (lambda client: client.get_prompt("greet"), here(BAD_ARGUMENTS, "EXTERNAL SERVER_ERROR idempotent failure")),
    ],
    ids=["resource unknown", "prompt unknown", "prompt without its argument"],
)
def test_what_is_not_there_is_not_asked_for_again(ask: Callable[[Any], Any], verdict: str, runtime: str) -> None:
    async def call() -> BaseException:
        async with session(SERVE) as client:
            return await raised_in(ask(client))

    assert in_words(ErrorClassifier().classify(run(call, runtime))) == verdict


@on_each_runtime
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        ({"code": -32602, "message": "Unknown tool: mix"}, NO_TOOL),
        ({"code": -32602, "message": "Invalid arguments"}, BAD_ARGUMENTS),
        ({"code": -32601, "message": "Method not found"}, NO_RESOURCE),
        ({"code": -32603, "message": "Internal error"}, "EXTERNAL SERVER_ERROR idempotent failure"),
        ({"code": -32000, "message": "Rate limit exceeded", "data": {"retryAfter": 3}}, LIMITED),
    ],
)
def test_servers_that_answer_with_an_error_are_judged_by_its_number(
    error: dict[str, Any], verdict: str, runtime: str, server: str
) -> None:
    async def call() -> BaseException:
        async with session(speaking_mcp(server, "error", error)) as client:
            return await raised_in(client.call_tool("add", {}))

    said = ErrorClassifier().classify(run(call, runtime))
    assert in_words(said) == verdict
    assert said.retry_after == error.get("data", {}).get("retryAfter")


# -- a server that is late or goes away ----------------------------------------------------------------------------

LATE = "TRANSIENT MCP_TIMEOUT idempotent failure"
LOST = "TRANSIENT MCP_CONNECTION_FAILED reconnect failure"


@on_each_runtime
def test_a_call_that_takes_too_long_may_be_running_still(runtime: str) -> None:
    async def call() -> BaseException:
        async with session(SERVE) as client:
            return await raised_in(client.call_tool("slow", {}, read_timeout_seconds=seconds(0.2)))

    assert in_words(ErrorClassifier().classify(run(call, runtime))) == LATE


@on_each_runtime
def test_a_server_that_dies_asks_for_a_new_session_and_so_does_the_next_call(runtime: str) -> None:
    async def call() -> list[BaseException]:
        async with session(SERVE) as client:
            return [await raised_in(client.call_tool(tool, {})) for tool in ("die", "burn")]

    first, next_one = map(ErrorClassifier().classify, run(call, runtime))
    assert in_words(first) == LOST
    assert in_words(next_one) == here("TRANSIENT CONNECTION_CLOSED reconnect failure", LOST)


@on_each_runtime
@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        (["/nowhere/such-a-server"], "CONFIGURATION NOT_FOUND never ignore"),
        (script("exit"), LOST),
        (script("mute"), LATE),
    ],
    ids=["no such command", "exits at start", "never answers"],
)
def test_a_server_that_does_not_start(command: list[str], verdict: str, runtime: str) -> None:
    assert in_words(judged(lambda: use(command, patience=0.5 if "mute" in command else 5.0), runtime)) == verdict


# -- HTTP ----------------------------------------------------------------------------------------------------------

ANY_STATUS = "EXTERNAL SERVER_ERROR idempotent failure"
"""Version 2 tells of each status from 400 on, but 404, that it was an error, and no more."""


@on_each_runtime
def test_a_refused_connection_is_safe_to_try_again(runtime: str) -> None:
    with nobody() as url:
        said = judged(lambda: use(url), runtime)
    assert in_words(said) == "TRANSIENT CONNECTION_REFUSED always failure"


STATUSES = {
    400: "VALIDATION BAD_REQUEST never success",
    401: "AUTH UNAUTHENTICATED never success",
    403: "AUTH FORBIDDEN never success",
    429: LIMITED,
    500: ANY_STATUS,
    503: "TRANSIENT EXTERNAL_UNAVAILABLE always failure",
}


@on_each_runtime
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_at_the_start(status: int, runtime: str, server: str) -> None:
    wait = {"Retry-After": "7"} if status in (429, 503) else {}
    said = judged(lambda: use(answering(server, status, wait)), runtime)
    assert in_words(said) == here(STATUSES[status], ANY_STATUS)
    assert said.retry_after == (7 if wait and VERSION == 1 else None)


@on_each_runtime
def test_not_found_at_the_start_is_a_wrong_address_if_the_version_tells(runtime: str, server: str) -> None:
    """Version 1 says "Session terminated" of any 404."""
    said = judged(lambda: use(answering(server, 404)), runtime)
    assert in_words(said) == here(LOST, NO_RESOURCE)


@on_each_runtime
@pytest.mark.parametrize("status", STATUSES)
def test_a_status_in_a_call_comes_out_of_the_session(status: int, runtime: str, server: str) -> None:
    """By version 1 it ends the session: the call in it is cancelled, and what came out is raised where it was made."""
    url = speaking_mcp(server, "answer", [status, {}])
    assert in_words(judged(lambda: use(url), runtime)) == here(STATUSES[status], ANY_STATUS)


@on_each_runtime
@pytest.mark.parametrize("status", [401, 503])
def test_the_call_itself_is_cancelled_by_a_session_that_ends(status: int, runtime: str, server: str) -> None:
    inside: list[BaseException] = []

    async def call() -> Any:
        async with session(speaking_mcp(server, "answer", [status, {}])) as client:
            try:
                return await client.call_tool("add", {})
            except BaseException as error:
                inside.append(error)
                raise

    judged(call, runtime)
    (error,) = inside
    assert in_words(ErrorClassifier().classify(error)) == here("CANCELLED CANCELLED never ignore", ANY_STATUS)


@pytest.mark.skipif(VERSION == 1, reason="version 1 tells the status by itself")
@on_each_runtime
@pytest.mark.parametrize("in_call", [False, True])
def test_an_http_client_that_raises_for_a_status_makes_version_2_tell_it(
    in_call: bool, runtime: str, server: str
) -> None:
    httpx2 = importlib.import_module("httpx2")
    wait = {"Retry-After": "7"}
    url = speaking_mcp(server, "answer", [429, wait]) if in_call else answering(server, 429, wait)

    async def raise_for_status(response: Any) -> None:
        if response.status_code in (401, 429) or response.status_code >= 500:
            response.raise_for_status()

    async def call() -> Any:
        hooks = {"response": [raise_for_status]}
        async with httpx2.AsyncClient(event_hooks=hooks) as http, session(url, http_client=http) as client:
            return await client.call_tool("add", {})

    said = judged(call, runtime)
    assert (in_words(said), said.retry_after) == (LIMITED, 7)


@on_each_runtime
def test_a_session_that_the_server_no_longer_knows_has_to_be_made_anew(runtime: str, server: str) -> None:
    async def call() -> BaseException:
        async with session(speaking_mcp(server, "answer", [404, {}])) as client:
            return await raised_in(client.call_tool("add", {}))

    assert in_words(ErrorClassifier().classify(run(call, runtime))) == LOST


# Version 1 waits on after an answer that it cannot read, until its own limit.
TROUBLES = {
    "page": here(LATE, "EXTERNAL INVALID_RESPONSE never failure"),
    "cut": here(LATE, "TRANSIENT INCOMPLETE_READ idempotent failure"),
    "close": "TRANSIENT CONNECTION_CLOSED idempotent failure",
    "reset": "TRANSIENT CONNECTION_RESET idempotent failure",
    "garbage": "EXTERNAL INVALID_RESPONSE idempotent failure",
    "stall": LATE,
    "dribble": LATE,
}


@on_each_runtime
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_at_the_start(trouble: str, runtime: str, server: str) -> None:
    assert in_words(judged(lambda: use(f"{server}/{trouble}/", patience=0.5), runtime)) == TROUBLES[trouble]


@on_each_runtime
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_in_a_call(trouble: str, runtime: str, server: str) -> None:
    url = speaking_mcp(server, trouble)
    assert in_words(judged(lambda: use(url, patience=0.5), runtime)) == TROUBLES[trouble]
