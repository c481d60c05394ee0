"""gRPC and Google Cloud: the canonical status codes, api-core, auth and storage."""

from __future__ import annotations

from ..recognition import Table, table

GOOGLE: Table = table({})
