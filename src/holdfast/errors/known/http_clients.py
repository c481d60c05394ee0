"""HTTP clients: httpx, httpcore, requests, urllib3, aiohttp, websockets, Starlette and dnspython."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import read
from ..http import STATUSES, as_status
from ..recognition import Answer, Table, table
from ..taxonomy import ErrorCategory as Category

if TYPE_CHECKING:
    from ..classification import Classification


def _by_xml_rpc_status(error: Any) -> Answer:
    """Judge an XML-RPC transport error: each call is a POST, which may have been carried out."""
    status = as_status(read(error, "errcode"))
    meaning = None if status is None else STATUSES[status]
    if meaning is not None and meaning.category is Category.TRANSIENT:
        meaning = _possibly_executed(meaning)
    return meaning


def _possibly_executed(meaning: Classification) -> Classification:
    return meaning.replace(retry_scope="idempotent")


HTTP_CLIENTS: Table = table(
    {
        "xmlrpc.client.ProtocolError": _by_xml_rpc_status,
    }
)
