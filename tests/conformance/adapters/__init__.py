"""One small adapter for each library, by its name."""

from __future__ import annotations

import importlib
from importlib import metadata

from .base import Adapter

MODULES = {
    "holdfast": "holdfast",
    "tenacity": "tenacity",
    "stamina": "stamina",
    "backoff": "backoff",
    "backon": "backon",
    "pybreaker": "pybreaker",
    "circuitbreaker": "circuitbreaker",
    "aiobreaker": "aiobreaker",
    "purgatory": "purgatory",
    "hyx": "hyx",
    "pyresilience": "pyresilience",
    "interlock": "interlock-cb",
    "redress": "redress",
    "aiolimiter": "aiolimiter",
    "pyrate_limiter": "pyrate-limiter",
}
"""The libraries that are asked, in the order of the columns: an adapter's module, and the distribution as it is installed."""


def version(library: str) -> str:
    """What is installed of it, or nothing."""
    try:
        return metadata.version(MODULES[library])
    except metadata.PackageNotFoundError:
        return ""


def adapter(library: str) -> Adapter:
    """Import a library's adapter, and so the library."""
    made: Adapter = importlib.import_module(f".for_{library}", __name__).ADAPTER
    return made


__all__ = ["MODULES", "Adapter", "adapter", "version"]
