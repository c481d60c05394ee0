"""Guards are made of their configs before anything is put to use, and thrown away: what cannot be made is told now."""

from __future__ import annotations

from ..circuit_breaker.bulkhead.queue import Line
from ..circuit_breaker.ledger import Ledger
from ..circuit_breaker.state import Circuit
from ..rate_limit.allowance import Allowance
from ..typed import TYPE_CHECKING
from .schema import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .lines import Path
    from .problems import Problems

_LATE = 1e10
"""A time by a clock that has been going for centuries: short times are hardest to tell apart by it."""


def _breaker(config: Any) -> None:
    Circuit(config, _LATE)
    Ledger(config.history_size)


def _limiter(config: Any) -> None:
    allowance = Allowance(config.limit)
    allowance.take(_LATE, 1)
    allowance.room(_LATE)


def _bulkhead(config: Any) -> None:
    Line(config.max_concurrent, config.max_queue)


_MAKERS: dict[str, Callable[[Any], None]] = {
    "circuit_breaker": _breaker,
    "rate_limit": _limiter,
    "bulkhead": _bulkhead,
}


def try_guards(made: Mapping[str, Mapping[str, Any]], problems: Problems) -> None:
    """Note which of the guards in sections and policies cannot be made."""
    for field, section in SHARED.items():
        for name, config in made[section].items():
            _try(field, config, (section, name), problems)
        for name, policy in made["policies"].items():
            config = getattr(policy, field)
            if config is not None and config not in made[section].values():
                _try(field, config, ("policies", name, field), problems)


def _try(field: str, config: Any, path: Path, problems: Problems) -> None:
    try:
        _MAKERS[field](config)
    except (ArithmeticError, MemoryError):
        problems.add(path, ": its numbers are too large or too small to be reckoned with")
