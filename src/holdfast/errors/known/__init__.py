"""Client libraries whose errors are known by name, one file per family.

Each table reads as its library's documentation would, if that said what to do about each error. A further family is
one more file with one more table, joined into `KNOWN`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .aws import AWS
from .azure import AZURE
from .brokers import BROKERS
from .formats import FORMATS
from .google import GOOGLE
from .http_clients import HTTP_CLIENTS
from .llm import LLM
from .mcp import MCP
from .ourselves import CANCELLATIONS, HOLDFAST
from .saas import SAAS
from .sql import SQL
from .stores import STORES
from .streams import STREAMS

if TYPE_CHECKING:
    from ..recognition import Table

KNOWN: Table = {
    **HOLDFAST,
    **MCP,
    **STREAMS,
    **HTTP_CLIENTS,
    **LLM,
    **FORMATS,
    **GOOGLE,
    **AWS,
    **AZURE,
    **SQL,
    **STORES,
    **BROKERS,
    **SAAS,
}

__all__ = ["CANCELLATIONS", "KNOWN"]
