"""Client libraries whose errors are known by name, one file per family.

Each table reads as its library's documentation would, if that said what to do about each error. A further family is
one more file with one more table, and a row in `TABLES`. A table is imported when an error of one of its packages is
met, or with the first error of all if such a package is in use by then: nobody pays for libraries they do not have.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ..recognition import module_name, rules_for
from .ourselves import CANCELLATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..recognition import Rule, Table

TABLES: dict[str, str] = {
    "ourselves.HOLDFAST": "holdfast",
    # HTTP, and what lies beneath and above it
    "http_clients.HTTP_CLIENTS": "niquests requests requests_oauthlib urllib3 xmlrpc",
    "httpx.HTTPX": "h11 httpcore httpcore2 httpx httpx2 httpx_sse wsproto",
    "httpx.HTTP_2": "h2 hpack hyperframe",
    "aiohttp.AIOHTTP": "aiohttp",
    "websockets.WEBSOCKETS": "websockets",
    "websockets.OTHER_WEBSOCKETS": "httpx2 httpx_ws websocket",
    "web_frameworks.WEB_FRAMEWORKS": "fastapi starlette",
    "proxies.PROXIES": "python_socks socks",
    "dns.DNS": "dns",
    "streams.STREAMS": "anyio trio",
    # language models and their tools
    "llm.LLM": "anthropic cerebras google groq openai together",
    "mcp.MCP": "fastmcp mcp",
    "formats.FORMATS": "jsonschema jwt pydantic pydantic_core pydantic_settings referencing",
    # clouds
    "grpc.GRPC": "grpc grpclib",
    "google.GOOGLE": "google google_auth_oauthlib googleapiclient httplib2",
    "aws.AWS": "boto3 botocore s3transfer",
    "azure.AZURE": "azure msal msal_extensions msrest msrestazure",
    # databases and stores
    "sql.SQL": (
        "MySQLdb _mssql aiomysql asyncmy asyncpg cx_Oracle django mysql oracledb pg8000 psycopg psycopg2 psycopg_pool "
        "pymssql pymysql pyodbc sqlalchemy"
    ),
    "redis.REDIS": "redis valkey",
    "mongo.MONGO": "bson gridfs pymongo pymongocrypt",
    "search.SEARCH": "elastic_transport elasticsearch elasticsearch_dsl opensearch_dsl opensearchpy",
    "memcached.MEMCACHED": "pymemcache",
    # brokers and hosted services
    "brokers.BROKERS": (
        "aio_pika aiokafka aiormq amqp billiard celery cimpl confluent_kafka kafka kombu nats pamqp pika"
    ),
    "saas.SAAS": (
        "github gitlab jira kubernetes kubernetes_asyncio python_http_client sendgrid slack slack_sdk stripe telegram "
        "twilio"
    ),
}
"""Where each table stands, and the packages whose classes it knows."""

_PLACES: dict[str, list[str]] = {}
for _place, _packages in TABLES.items():
    for _package in _packages.split():
        _PLACES.setdefault(_package, []).append(_place)

_NOTHING: Table = {}
_loaded: dict[str, Table] = {}


def rules_about(classes: Iterable[type]) -> tuple[Rule, ...]:
    """Return the rules of known libraries for a class with this MRO, most specific first."""
    found: list[Rule] = []
    for kind in classes:
        known = known_in(module_name(kind).partition(".")[0])
        if known:
            found += rules_for((kind,), known)
    return tuple(found)


def known_in(package: str) -> Table:
    """Return the rows about the classes of a package."""
    if package not in _PLACES:
        return _NOTHING
    if package not in _loaded:
        _loaded[package] = {name: rule for place in _PLACES[package] for name, rule in table_at(place).items()}
    return _loaded[package]


def table_at(place: str) -> Table:
    """Return the table that `TABLES` names so."""
    module, _, name = place.partition(".")
    found: Table = getattr(import_module(f"{__name__}.{module}"), name)
    return found


for _package in _PLACES.keys() & sys.modules.keys():
    known_in(_package)

__all__ = ["CANCELLATIONS", "TABLES", "known_in", "rules_about", "table_at"]
