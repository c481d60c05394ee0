"""Elasticsearch and OpenSearch: their clients, and the type names that the servers give their errors.

Both servers answer with HTTP statuses, which are judged as any others; here stand the types that mean something else
than the status they come with. Up to Elasticsearch 7, and still in OpenSearch's client, an error's arguments are a
status (or "N/A", or "TIMEOUT"), a type, and the body or the error underneath; since version 8 it has `meta` and `body`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..chain import together
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .network_texts import spoken_of, spoken_of_tls
from .phrases import by_phrase, first_words, lowered, phrases

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification
    from ..recognition import Rule

_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_LOST = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_TOO_LATE = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_BAD_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NONSENSE = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE)
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_BAD_SETTING = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_QUERY_TOO_LARGE = verdict(Category.RESOURCE, Code.OUT_OF_MEMORY, "never", "success")
_DISK_FULL = verdict(Category.RESOURCE, Code.DISK_FULL, "never", "ignore")
_BLOCKED = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")

# -- types --------------------------------------------------------------------------------------------------------

_ROWS: dict[str, Classification] = {
    # a queue or a memory limit is full: 429 in new versions, 503 or 500 in old ones
    "es_rejected_execution_exception rejected_execution_exception": _RATE_LIMITED,
    "opensearch_rejected_execution_exception circuit_breaking_exception": _RATE_LIMITED,
    # between the servers: mostly 500 or 503
    "master_not_discovered_exception cluster_manager_not_discovered_exception": _UNAVAILABLE,
    "not_master_exception not_cluster_manager_exception no_shard_available_action_exception": _UNAVAILABLE,
    "unavailable_shards_exception no_node_available_exception node_not_connected_exception": _UNAVAILABLE,
    "connect_transport_exception node_closed_exception recovery_failed_exception": _UNAVAILABLE,
    "no_longer_primary_shard_exception process_cluster_event_timeout_exception": _UNAVAILABLE,
    "node_disconnected_exception transport_exception send_request_transport_exception": _LOST,
    "receive_timeout_transport_exception timeout_exception elasticsearch_timeout_exception": _TOO_LATE,
    "opensearch_timeout_exception time_exceeded_exception": _TOO_LATE,
    # 400, but nothing is wrong with the request as such
    "resource_already_exists_exception index_already_exists_exception": verdict(
        Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success"
    ),
    "invalid_alias_name_exception index_closed_exception snapshot_in_progress_exception": _BLOCKED,
    # 500 or 503, but the request is at fault
    "too_many_buckets_exception too_many_nested_clauses too_many_clauses": _BAD_REQUEST,
    "json_parse_exception json_e_o_f_exception not_x_content_exception parsing_exception": _BAD_REQUEST,
    "illegal_argument_exception mapper_parsing_exception query_shard_exception": _BAD_REQUEST,
    # one of several searches in a request has a type, but no status
    "index_not_found_exception resource_not_found_exception document_missing_exception": _NOT_FOUND,
    "aliases_not_found_exception snapshot_missing_exception repository_missing_exception": _NOT_FOUND,
    "version_conflict_engine_exception": _BLOCKED,
    # a scroll or a point in time that has run out is opened anew, not asked again
    "search_context_missing_exception": verdict(Category.PERMANENT, Code.GONE, "never", "success"),
}
TYPES: dict[str, Classification] = {
    name: meaning.because(f"error type {name}") for names, meaning in _ROWS.items() for name in names.split()
}
"""The verdict on error types that say more than their HTTP status."""

_TOO_LARGE_FOR_GOOD = _QUERY_TOO_LARGE.because("circuit_breaking_exception that the server calls permanent")
_SHARDS_USED_UP = verdict(
    Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success", reason="as many shards as the cluster may have"
)
_FLOODED = _DISK_FULL.because("index blocked since the disk is full")
_FLOODED_FOR_NOW = _DISK_FULL.replace(retryable=True, retry_scope="always").because(_FLOODED.reason)
_INDEX_BLOCKED = _BLOCKED.because("index blocked")


def _by_type(detail: Any, status: int | None) -> Classification | None:
    """Judge the body's `error`, the reason's type before that of what merely reports it."""
    if isinstance(detail, str):  # OpenSearch's client hands on the type alone
        return TYPES.get(detail)
    root = look_up(detail, "root_cause")
    first = root[0] if isinstance(root, list) and root else None
    for part in (first, look_up(detail, "caused_by"), detail):
        name = look_up(part, "type")
        if not isinstance(name, str):
            continue
        reason = look_up(part, "reason")
        words = lowered(reason, 400)
        if name == "circuit_breaking_exception" and look_up(part, "durability") == "PERMANENT":
            return _TOO_LARGE_FOR_GOOD
        if name == "cluster_block_exception":
            return _by_block(words, status)
        if name == "validation_exception" and "maximum" in words and "shards" in words:
            return _SHARDS_USED_UP
        if name in TYPES:
            return TYPES[name]
    return None


def _by_block(words: str, status: int | None) -> Classification | None:
    if any(sign in words for sign in ("disk usage exceeded", "flood-stage", "read-only-allow-delete", "/12/")):
        return _FLOODED_FOR_NOW if status == 429 else _FLOODED  # released by the server itself since version 7.4
    return _INDEX_BLOCKED if status == 403 else None


def _by_reply(usual: int | None) -> Callable[[Any], Answer]:
    """Return a rule for errors that stand for a reply, usually with this status."""

    def judge(error: Any) -> Answer:
        status, detail = _reply(error)
        if status is None:
            status = usual
        if detail is not None:
            told = _by_type(detail, status)
            if told is not None:
                return told
        return None if status is None else STATUSES[status]

    return judge


def _reply(error: Any) -> tuple[int | None, Any]:
    """Return the status and the body's `error`, from `meta` and `body` or from the arguments."""
    meta = read(error, "meta")
    if meta is not None:
        return as_status(read(meta, "status")), look_up(read(error, "body"), "error")
    arguments = read(error, "args")
    if not isinstance(arguments, tuple) or len(arguments) < 2:
        return None, None
    detail = look_up(arguments[2], "error") if len(arguments) > 2 else None
    return as_status(arguments[0]), arguments[1] if detail is None else detail


_NO_DETAIL = Otherwise(_SERVER_BROKE.because("the client gives no more detail"))


def _by_transport(error: Any) -> Answer:
    """Judge the base of all errors of a client that uses it for replies as well, or for what is none."""
    if "sniff" in first_words(error) or "sniff" in _second(error):
        return _NOTHING_FOUND
    return _by_any_reply(error) or _NO_DETAIL


def _second(error: Any) -> str:
    arguments = read(error, "args")
    return lowered(arguments[1]) if isinstance(arguments, tuple) and len(arguments) > 1 else ""


_by_any_reply = _by_reply(None)
_NOTHING_FOUND = _UNAVAILABLE.because("no node could be found")

# -- the network --------------------------------------------------------------------------------------------------

_BROKE = Otherwise(_LOST.because("connection broke"))
_LATE = Otherwise(_TOO_LATE.because("no reply in time"))
_BAD_TLS = Otherwise(verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="TLS handshake failed"))


def _by_text_else(
    fallback: Otherwise, spoken: Callable[[str], Classification | None] = spoken_of
) -> Callable[[Any], Answer]:
    """Return a rule that asks the causes first, and without any reads the text, which quotes the error underneath."""

    def judge(error: Any) -> Answer:
        told = spoken(f"{first_words(error)} {_second(error)}")
        return fallback if told is None else Otherwise(told)

    return judge


# -- what was sent and received -----------------------------------------------------------------------------------

_NOT_JSON = verdict(Category.EXTERNAL, Code.INVALID_JSON, reason="reply that cannot be read")
_UNREADABLE = phrases(
    {
        ("unable to deserialize", "unknown mimetype"): _NOT_JSON,
        ("unable to serialize", "cannot serialize", "cannot encode", "must be installed"): _BAD_VALUE,
    }
)
_NOT_TO_BE_SENT = _BAD_VALUE.because("value that cannot be sent as JSON")


def _by_serializer(error: Any) -> Answer:
    """Judge data that could not be turned into JSON, which is ours, or a reply that is none."""
    arguments = read(error, "args")
    inner = arguments[1] if isinstance(arguments, tuple) and len(arguments) > 1 else None
    if issubclass(type(inner), TypeError) or "serializable" in _text_of(inner):
        return _NOT_TO_BE_SENT
    return by_phrase(first_words(error), _UNREADABLE) or _NOT_JSON


def _text_of(inner: Any) -> str:
    return first_words(inner) if issubclass(type(inner), ValueError) else ""


def by_item(result: Any) -> Classification | None:
    """Judge what became of one document of a bulk request; None if it has neither a known type nor a status."""
    status = as_status(look_up(result, "status"))
    return _by_type(look_up(result, "error"), status) or (None if status is None else STATUSES[status])


_MOST_ITEMS = 50
_ITEMS_FAILED = _BLOCKED.because("documents of a bulk request failed")


def _by_items(error: Any) -> Answer:
    """Judge a bulk request by its items; those that are not among the errors were carried out."""
    items = read(error, "errors")
    found = []
    for item in items[:_MOST_ITEMS] if isinstance(items, (list, tuple)) else ():
        for result in item.values() if isinstance(item, dict) else ():
            meaning = by_item(result)
            if meaning is not None:
                found.append(meaning)
    if not found:
        return _ITEMS_FAILED
    meaning = together(found)
    return meaning.replace(retry_scope="idempotent") if meaning.retryable else meaning


_DSL: dict[str, Rule] = {
    "ElasticsearchDslException OpenSearchDslException IllegalOperation UnknownDslObject": _MISUSE,
    "ValidationException": _BAD_VALUE,
}
_HELPERS: dict[str, Rule] = {
    "BulkIndexError": _by_items,
    # some shards did not take part in a scroll
    "ScanError": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
}
_CLIENTS: dict[str, Rule] = {
    "ApiError TransportError": _by_transport,
    "BadRequestError RequestError": _by_reply(400),
    "AuthenticationException": _by_reply(401),
    "AuthorizationException": _by_reply(403),
    "NotFoundError": _by_reply(404),
    "ConflictError": _by_reply(409),
    "UnsupportedProductError": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success"),
    "ImproperlyConfigured": _BAD_SETTING,
    "ElasticsearchException OpenSearchException": _NO_DETAIL,
    "ConnectionError": _by_text_else(_BROKE),
    "ConnectionTimeout": _by_text_else(_LATE),
    "SSLError TlsError": _by_text_else(_BAD_TLS, spoken_of_tls),
    "SerializationError": _by_serializer,
    "SniffingError": _NOTHING_FOUND,
}
_PACKAGES: dict[str, dict[str, Rule]] = {
    "elastic_transport": _CLIENTS,
    "elasticsearch": {**_CLIENTS, **_HELPERS, **_DSL},
    "elasticsearch_dsl": _DSL,
    "opensearchpy": {**_CLIENTS, **_HELPERS, **_DSL},
    "opensearch_dsl": _DSL,
}

SEARCH: Table = table(
    {
        f"{package}:{name}": rule
        for package, rows in _PACKAGES.items()
        for names, rule in rows.items()
        for name in names.split()
    }
)
