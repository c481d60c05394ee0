"""Policies from a file: what a service may do is decided beside the code, and changed while it runs.

The circuit that the bad hours have opened stays open when the file is read again.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from holdfast import CircuitOpenError, ConfigurationError, load_config, with_resilience

FILE = Path(__file__).with_name("holdfast.toml")

is_down = False


@with_resilience("prices")
def price_of(article: str) -> str:
    if is_down:
        raise ConnectionResetError(article)
    return f"{article}: 4.50"


def visit(article: str) -> None:
    try:
        print(price_of(article))
    except ConnectionResetError:
        print(f"{article}: no price, the service is down")
    except CircuitOpenError as refused:
        print(f"{article}: no price, and the service is left alone for {refused.retry_after:.0f} s")


report = load_config(FILE)
print("configured:", ", ".join(report.added))
visit("kelp")

is_down = True
visit("dulse")
visit("laver")

# Somebody changes the file. Here, what it says is changed after it has been read.
settings = tomllib.loads(FILE.read_text(encoding="utf-8"))
settings["policies"]["prices"]["timeout"] = "1s"
settings["policies"]["prices"]["circuit_breaker"]["failure_threshold"] = 5
print("changed:", ", ".join(load_config(settings).changed))
visit("nori")

# And somebody makes a mistake, which changes nothing.
settings["policies"]["prices"]["timeot"] = "3s"
try:
    load_config(settings)
except ConfigurationError as error:
    print(error)
visit("wrack")

load_config({})
