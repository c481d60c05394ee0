"""Data that does not fit its description: pydantic, jsonschema, PyJWT."""

from __future__ import annotations

from ..recognition import Table, table

FORMATS: Table = table({})
