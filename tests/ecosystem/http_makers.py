"""Making the exceptions of HTTP clients: caught from a server on loopback that misbehaves, or put together."""

from __future__ import annotations

import http.client
import importlib
import ssl
from typing import Any

from tests.live.clients import CLIENTS, raised_by
from tests.live.servers import answering, misbehaving, nobody


def live(client: str, behaviour: str) -> Exception:
    """What the client raises when the server behaves so."""
    with misbehaving() as url:
        return raised_by(lambda: CLIENTS[client](f"{url}/{behaviour}"))


def answered(client: str, status: int, **headers: str) -> Exception:
    """What the client raises when the server answers with this status."""
    with misbehaving() as url:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return raised_by(lambda: CLIENTS[client](answering(url, status, told)))


def refused(client: str) -> Exception:
    """What the client raises when nobody listens."""
    with nobody() as url:
        return raised_by(lambda: CLIENTS[client](url))


def plain(client: str) -> Exception:
    """What the client raises when it speaks TLS to a server that does not."""
    with misbehaving() as url:
        return raised_by(lambda: CLIENTS[client](f"{url.replace('http:', 'https:')}/page"))


def untrusted(client: str) -> Exception:
    """What the client raises when nobody vouches for the server's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    importlib.import_module("trustme").CA().issue_cert("127.0.0.1").configure_cert(context)
    with misbehaving(context) as url:
        return raised_by(lambda: CLIENTS[client](url))


def nowhere(client: str) -> Exception:
    """What the client raises for a host name that is reserved for being unknown (RFC 6761 §6.4)."""
    return raised_by(lambda: CLIENTS[client]("http://nowhere.invalid"))


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """Say `raise error from cause`."""
    error.__cause__ = cause
    return error


def handling(error: BaseException, context: BaseException) -> BaseException:
    """Say `raise error from None` while the other one is being handled."""
    error.__context__ = context
    error.__suppress_context__ = True
    return error


def mapped(name: str, low: str, message: str, inner: BaseException) -> BaseException:
    """Wrap as httpx does: its own error from httpcore's, which hides the system's; `name` may be `httpx2`."""
    core = getattr(importlib.import_module(name.replace("x", "core", 1)), low)
    return caused(getattr(importlib.import_module(name), low)(message), handling(core(inner), inner))


def connection_key() -> Any:
    """Give aiohttp's key of a connection."""
    make: Any = importlib.import_module("aiohttp.client_reqrep").ConnectionKey
    return make("x", 443, True, True, None, None, None)


def response_error(kind: Any, status: int, message: str = "x", **headers: str) -> Exception:
    """Make one of aiohttp's errors with a status."""
    info = importlib.import_module("aiohttp").RequestInfo
    url = importlib.import_module("yarl").URL("http://x/")
    found: Any = importlib.import_module("multidict").CIMultiDict(
        {name.replace("_", "-"): value for name, value in headers.items()}
    )
    made: Exception = kind(info(url, "GET", found, url), (), status=status, message=message, headers=found)
    return made


def gave_up(reason: BaseException | None) -> BaseException:
    """Make the error with which urllib3 gives up retrying."""
    urllib3 = importlib.import_module("urllib3")
    made: BaseException = urllib3.exceptions.MaxRetryError(urllib3.HTTPConnectionPool("x"), "/", reason)
    return made


def not_connected(kind: Any, message: str) -> BaseException:
    """Make one of urllib3's errors about a connection."""
    made: BaseException = kind(importlib.import_module("urllib3").connection.HTTPConnection("x"), message)
    return made


def closed(library: Any, received: int | None, sent: int | None = None, received_first: bool | None = None) -> Any:
    """Make the error of a WebSocket that was closed with these codes."""
    frame = importlib.import_module("websockets.frames").Close
    in_order = received in {1000, 1001, 1005} and received_first is not None
    kind = library.ConnectionClosedOK if in_order else library.ConnectionClosedError
    frames = [None if code is None else frame(code, "") for code in (received, sent)]
    return kind(*frames, received_first)


def refused_handshake(library: Any, status: int, **headers: str) -> Any:
    """Make the error of a WebSocket handshake that was answered with a status."""
    found = importlib.import_module("websockets.datastructures").Headers(
        {name.replace("_", "-"): value for name, value in headers.items()}
    )
    if not hasattr(library, "InvalidStatus"):
        return library.InvalidStatusCode(status, found)
    return library.InvalidStatus(importlib.import_module("websockets.http11").Response(status, "x", found))


def cut_off() -> BaseException:
    """Make the error of a body that ended too soon."""
    return http.client.IncompleteRead(b"x", 5)
