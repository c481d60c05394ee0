"""Built-in exceptions in which client libraries speak of themselves: only the words tell whose they are.

Clients without credentials, closed clients and replies that do not fit raise a plain `ValueError`, `TypeError` or
`RuntimeError`, which otherwise would be a bug of ours or nothing known at all. Only these very types are looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from .classification import Classification

_LONGEST = 200

_NO_CREDENTIALS = verdict(Category.CONFIGURATION, Code.MISSING_CREDENTIALS, "never", "ignore")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_CLIENT_CLOSED = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)

_ROWS: dict[tuple[str, ...], Classification] = {
    (
        "could not resolve authentication method",  # anthropic, openai
        "could not resolve api token from the environment",  # anthropic on Vertex, google-genai
        "no api key was provided",  # google-genai
        "missing key inputs argument",  # google-genai 1
        "api key must be set when using the vertex",
    ): _NO_CREDENTIALS,
    (
        "must provide either the `api_version` argument",  # openai on Azure
        "must provide one of the `base_url` or `azure_endpoint`",
        "no aws region was provided",  # anthropic on Bedrock
        "no region was given",  # anthropic on Vertex
        "no project_id was given",
        "the webhook secret must either be set",  # openai
        "unsupported protocol version from the server",  # mcp
    ): _BAD_SETUP,
    (
        "the client has been closed",  # httpx and what is built on it
        "session is closed",  # aiohttp
        "on closed channel",  # grpc
    ): _CLIENT_CLOSED,
    (
        "but did not return structured content",  # mcp, of the result of a tool
        "invalid structured content returned by tool",
        "invalid schema for tool",
    ): _NONSENSE,
}
_BY_WORDS = {words: meaning.because(f'text "{words}"') for row, meaning in _ROWS.items() for words in row}
SPOKEN_IN = (ValueError, TypeError, RuntimeError)


def by_plain_words(error: Any) -> Classification | None:
    """Judge a plain built-in exception by the words of a client library; None if they are none of those known."""
    if not error.args or not isinstance(error.args[0], str):
        return None
    said = error.args[0][:_LONGEST].lower()
    return next((meaning for words, meaning in _BY_WORDS.items() if words in said), None)
