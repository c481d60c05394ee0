"""Exceptions as the clients of language models raise them: the real client, talking to a transport made up here.

For the entries of the corpus, which import the libraries; nothing else imports this module.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MESSAGES = [{"role": "user", "content": "Hello"}]


def caught(function: Callable[[], Any], kind: type[Exception] = Exception) -> BaseException:
    """Return the exception of that kind that the call raises."""
    try:
        function()
    except kind as error:
        return error
    raise AssertionError("nothing was raised")


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Return the error with that cause."""
    error.__cause__ = cause
    return error


def httpx_of(library: Any) -> Any:
    """The HTTP library that this client library uses: httpx, or httpx2 in newer versions."""
    names = vars(sys.modules[f"{library.__name__}._base_client"])
    return names.get("httpx2") or names["httpx"]


def answered(library: Any, status: int, body: Any = None, headers: dict[str, str] | None = None) -> BaseException:
    """The error that the client makes of this reply."""
    http = httpx_of(library)
    text = body if isinstance(body, str) else json.dumps(body)
    kept = {"content-type": "application/json", **(headers or {})}
    return _called(library, lambda _: http.Response(status, content=text.encode(), headers=kept))


def streamed(library: Any, event: Any, headers: dict[str, str] | None = None) -> BaseException:
    """The error that the client makes of this event in the stream of a reply, after a 200."""
    http = httpx_of(library)
    text = f"event: error\ndata: {json.dumps(event)}\n\n"
    kept = {"content-type": "text/event-stream", **(headers or {})}
    return _called(library, lambda _: http.Response(200, content=text.encode(), headers=kept), stream=True)


def unanswered(library: Any, failure: str) -> BaseException:
    """The error that the client makes of this failure of httpx."""
    http = httpx_of(library)

    def fail(request: Any) -> Any:
        raise getattr(http, failure)(failure, request=request)

    return _called(library, fail)


def _called(library: Any, handler: Callable[[Any], Any], **options: Any) -> BaseException:
    http = httpx_of(library)
    client_class = next(getattr(library, name) for name in ("Anthropic", "OpenAI", "Groq") if hasattr(library, name))
    client = client_class(
        api_key="key",
        max_retries=0,
        http_client=http.Client(transport=http.MockTransport(handler)),
        base_url="http://x",
    )

    def call() -> None:
        if hasattr(client, "messages"):
            result = client.messages.create(model="m", max_tokens=9, messages=MESSAGES, **options)
        else:
            result = client.chat.completions.create(model="m", messages=MESSAGES, **options)
        for _ in result if options else ():
            pass

    return _bare(caught(call))


def gemini(status: int, name: str, details: list[Any] | None = None, message: str = "x") -> BaseException:
    """Gemini's error with these details, made as each version of the library makes it."""
    errors: Any = importlib.import_module("google.genai.errors")
    body = {"error": {"code": status, "message": message, "status": name, "details": details or []}}
    kind: Callable[..., BaseException] = errors.ClientError if status < 500 else errors.ServerError
    try:
        http: Any = importlib.import_module("httpx2")
    except ImportError:
        http = importlib.import_module("httpx")
    try:
        return kind(status, body, http.Response(status, json=body))
    except TypeError:  # version 1.2 reads the reply itself
        reply: Any = importlib.import_module("requests").Response()
        reply.status_code, reply._content = status, json.dumps(body).encode()
        return kind(status, reply)


def _bare(error: BaseException) -> BaseException:
    """The error without httpx's own for the same reply, which would only make the recorded shape longer."""
    if hasattr(error, "response") and error.__cause__ is None:
        error.__context__ = None
    return error
