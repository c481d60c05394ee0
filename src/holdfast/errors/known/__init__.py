"""Client libraries whose errors are known by name, one file per family.

Each table reads as its library's documentation would, if that said what to do about each error. A further family is
one more file with one more table, joined into `KNOWN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .aiohttp import AIOHTTP
from .aws import AWS
from .azure import AZURE
from .brokers import BROKERS
from .dns import DNS
from .formats import FORMATS
from .google import GOOGLE
from .grpc import GRPC
from .http_clients import HTTP_CLIENTS
from .httpx import HTTP_2, HTTPX
from .llm import LLM
from .mcp import MCP
from .memcached import MEMCACHED
from .mongo import MONGO
from .ourselves import CANCELLATIONS, HOLDFAST
from .proxies import PROXIES
from .redis import REDIS
from .saas import SAAS
from .search import SEARCH
from .sql import SQL
from .streams import STREAMS
from .web_frameworks import WEB_FRAMEWORKS
from .websockets import OTHER_WEBSOCKETS, WEBSOCKETS

if TYPE_CHECKING:
    from ..recognition import Table

KNOWN: Table = {
    **HOLDFAST,
    **MCP,
    **STREAMS,
    **HTTP_CLIENTS,
    **HTTPX,
    **HTTP_2,
    **AIOHTTP,
    **WEBSOCKETS,
    **OTHER_WEBSOCKETS,
    **WEB_FRAMEWORKS,
    **PROXIES,
    **DNS,
    **LLM,
    **FORMATS,
    **GRPC,
    **GOOGLE,
    **AWS,
    **AZURE,
    **SQL,
    **REDIS,
    **MONGO,
    **SEARCH,
    **MEMCACHED,
    **BROKERS,
    **SAAS,
}

__all__ = ["CANCELLATIONS", "KNOWN"]
