"""Starlette and FastAPI: what an application raises to answer a request, and clients that have gone."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .websockets import by_close_number

_CLIENT_GONE = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore", reason="the client has gone")
_BAD_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BUG = verdict(Category.INTERNAL, Code.INTERNAL_ERROR)
_CLOSED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect", reason="the WebSocket was closed")


def _by_close_code(error: Any) -> Answer:
    return by_close_number(read(error, "code"), _CLOSED)


WEB_FRAMEWORKS: Table = table(
    {
        # `HTTPException` has its status; that of an answer which is no error says nothing.
        "starlette:HTTPException": Otherwise(_MISUSE),
        "starlette:WebSocketException": _by_close_code,
        "starlette:ClientDisconnect starlette:WebSocketDisconnect": _CLIENT_GONE,
        "starlette:WebSocketDisconnected": _MISUSE,
        "starlette:AuthenticationError": verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success"),
        "starlette:MultiPartException starlette:MalformedRangeHeader starlette:RangeNotSatisfiable": _BAD_REQUEST,
        "starlette:EnvironError": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"),
        "starlette:NoMatchFound": _MISUSE,
        "fastapi:ResponseValidationError": _BUG,  # our own answer does not fit its model
        "fastapi:RequestValidationError fastapi:WebSocketRequestValidationError": verdict(
            Category.VALIDATION, Code.UNPROCESSABLE, "never", "success"
        ),
        "fastapi:ValidationException": _BAD_REQUEST,
        "fastapi:FastAPIError": _MISUSE,
    }
)
