"""Language models: OpenAI, Anthropic and Google GenAI."""

from __future__ import annotations

from ..recognition import Table, table

LLM: Table = table({})
