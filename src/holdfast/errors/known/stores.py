"""Key-value and document stores: Redis, MongoDB, Elasticsearch, OpenSearch."""

from __future__ import annotations

from ..recognition import Table, table

STORES: Table = table({})
