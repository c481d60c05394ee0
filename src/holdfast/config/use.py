"""A configuration is put to use: what it names is set, what it names no more goes, all else is left alone."""

from __future__ import annotations

from ..resilience.source import is_same
from ..switch import set_enabled
from ..typed import TYPE_CHECKING
from .claims import claim, release, settle
from .holding import guards_of
from .schema import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from .claims import Holder
    from .turns import Configured, Wanted


def put_to_use(of: Configured, wanted: Wanted, held: Mapping[str, Holder], enabled: bool | None) -> None:
    """Set all that is wanted; `enabled` is what is wanted of the switch, None if nothing.

    A guard may be set by its section, by policies, or by both, which agree then. So guards are settled once more after
    the policies, and let go last, whoever has set them before.
    """
    used = {(section, name): config for section, name, config in guards_of(_of(wanted, "policies"))}
    for (section, name), thing in {**used, **wanted}.items():
        claim(held[section], name, of, thing)
    for section, holder in held.items():
        for name, _ in _of(wanted, section):
            settle(holder, name, of)
    for section in ("policies", "timeouts", "retry"):
        _let_go(of, section, held[section], wanted)
    for section, name in {**used, **wanted}:
        if section in SHARED.values():
            settle(held[section], name, of, make=(section, name) in wanted)
    for section in SHARED.values():
        _let_go(of, section, held[section], {**used, **wanted})
    if enabled is not None or of.is_switched:
        set_enabled(enabled is not False)
        of.is_switched = enabled is not None


def _of(wanted: Wanted, section: str) -> Iterator[tuple[str, Any]]:
    return ((name, thing) for (its, name), thing in wanted.items() if its == section)


def _let_go(of: Configured, section: str, holder: Holder, wanted: Wanted) -> None:
    for name, known in list(holder.claims.items()):
        if of in known.by and (section, name) not in wanted:
            release(holder, name, of)


def strayed(wanted: Wanted, held: Mapping[str, Holder]) -> set[tuple[str, str]]:
    """Return the names under which something else is now than what is wanted."""
    away = set()
    for (section, name), thing in wanted.items():
        holder = held[section]
        known, there = holder.claims.get(name), holder.get(name)
        if known is None or known.is_unfinished or not is_same(holder.blended(name, thing, known.before), there):
            away.add((section, name))
    return away


def changes(before: Wanted, wanted: Wanted, away: set[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return what is new, other, gone and the same, as a report tells it."""
    told: dict[str, list[str]] = {"added": [], "changed": [], "removed": [], "unchanged": []}
    for key, thing in wanted.items():
        how = "added" if key not in before else "unchanged" if before[key] == thing and key not in away else "changed"
        told[how].append(".".join(key))
    told["removed"] = [".".join(key) for key in before if key not in wanted]
    return {how: tuple(names) for how, names in told.items()}
