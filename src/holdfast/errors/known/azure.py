"""Azure: azure-core and azure-identity."""

from __future__ import annotations

from ..recognition import Table, table

AZURE: Table = table({})
