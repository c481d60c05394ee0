"""The reference page says of every table what the code says, and what the documents show as TOML is right."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from holdfast.config import ConfigReport, read_config
from holdfast.config.schema import BACKOFF, BULKHEAD, CIRCUIT_BREAKER, POLICY, RATE_LIMIT, RETRY, TIMEOUT, TOP, Table
from holdfast.durations import UNITS
from holdfast.rate_limit import SlidingWindow
from holdfast.resilience import ResiliencePolicy

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name / "configuration.md").read_text(encoding="utf-8") for name in ("reference", "how-to")}
PAGE = PAGES["reference"]

TABLES = {
    "policies": POLICY,
    "retry": RETRY,
    "backoff": BACKOFF,
    "circuit_breaker": CIRCUIT_BREAKER,
    "rate_limit": RATE_LIMIT,
    "bulkhead": BULKHEAD,
    "timeouts": TIMEOUT,
}

IN_WORDS = {
    (RETRY, "backoff"): "exponential, from 1 to 30 s",
    (BACKOFF, "max_delay"): "by the type",
    (BACKOFF, "multiplier"): "by the type",
    (RATE_LIMIT, "limit"): "",
    (POLICY, "preset"): "`false`",
    (RETRY, "preset"): "`false`",
}


def default(table: Table, key: str) -> str:
    """What a key is if it is not given."""
    if (table, key) in IN_WORDS:
        return IN_WORDS[table, key]
    config = table.config or ResiliencePolicy
    if key == "name":
        return "that of the policy" if table is not RETRY else '`"custom"`'
    defaults = {**SlidingWindow._defaults, **config._defaults}
    if key not in defaults:
        return ""
    value: Any = defaults[key]
    if value is None or isinstance(value, bool):
        return f"`{str(bool(value)).lower()}`"
    if isinstance(value, frozenset):
        return f"`{[str(each) for each in sorted(value)]}`".replace("'", '"')
    return f'`"{value}"`' if isinstance(value, str) else f"{value:g}"


def expected(table: Table) -> str:
    """The table of the page."""
    lines = ["| key | value | default |", "|---|---|---|"]
    for key, kind in table.keys.items():
        said = kind.said if not isinstance(kind, Table) else f"a table: {kind.said}"
        if isinstance(kind, Table) and table is POLICY:
            said += "; the name of one; or false"
        if kind is BACKOFF:
            said += "; or its type"
        cells = [f"`{key}`", said, default(table, key)]
        lines.append(f"| {' | '.join(cells)} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", TABLES)
def test_the_page_lists_every_key_with_its_value_and_default(name: str) -> None:
    assert expected(TABLES[name]) in PAGE, expected(TABLES[name])


@pytest.mark.parametrize("name", TABLES)
def test_the_page_names_what_is_given_in_code(name: str) -> None:
    section = PAGE.split(f"\n### `{name}`")[1].split("\n### ")[0]
    told = re.search(r"Given\s+in\s+code:\s(.*?)\.", section, flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", told[1] if told else "")) == set(TABLES[name].in_code)


def test_the_page_lists_every_part_of_a_configuration_and_every_unit() -> None:
    parts = PAGE.split("\n## Parts")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `\[?(\w+)", parts, flags=re.MULTILINE)) == set(TOP)
    units = PAGE.split("\n## Values")[1].split("\n## ")[0]
    assert all(f"`{unit}`" in units for unit in UNITS)


def test_the_page_lists_the_fields_of_the_report() -> None:
    section = PAGE.split("\n## The report")[1]
    assert {*re.findall(r"`(\w+)`", section)} >= set(ConfigReport._fields)


@pytest.mark.parametrize("page", PAGES)
def test_what_the_documents_show_as_toml_is_right(page: str) -> None:
    shown = re.findall(r"```toml\n(.*?)```", PAGES[page], flags=re.DOTALL)
    assert shown
    for text in shown:
        tables = tomllib.loads(text)
        read_config(tables.get("tool", {}).get("holdfast", tables), environ={})
