"""Recognising exceptions by the names of their classes, so that no library has to be imported to be known.

A table maps names to rules. A name is either a full one, `"http.client.IncompleteRead"`, or `"package:Class"`, which
means a class of that name anywhere inside that package: private modules move from release to release, but the package
and the class keep their names. Several names may share a row. A rule is

* a `Classification`: the verdict, whatever the error's attributes are;
* `Otherwise(...)`: the verdict unless the error's cause gives a more exact one;
* a function that is given the error and answers with one of these two, or None for "I do not know".

The rules of an error are those of all its classes, the most specific class first; the first that answers decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .classification import Classification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .taxonomy import CircuitOutcome, ErrorCategory, ErrorCode, RetryScope

# The interpreter's own view of a class, which no metaclass can falsify.
_mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_module_of: Callable[[type], Any] = type.__dict__["__module__"].__get__
_qualname_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_members_of: Callable[[type], Mapping[str, Any]] = type.__dict__["__dict__"].__get__

_LONGEST_NAME = 160


class Otherwise(NamedTuple):
    """A verdict to fall back on: the chain of causes is asked first.

    `unsent` says that the request never left, whatever the causes say of themselves: a reset that broke a connection
    just being made is as harmless as a refusal.
    """

    verdict: Classification
    unsent: bool = False


Answer: TypeAlias = "Classification | Otherwise | None"
Rule: TypeAlias = "Classification | Otherwise | Callable[[Any], Answer]"
Table: TypeAlias = "dict[str, Rule]"


def verdict(
    category: ErrorCategory,
    code: ErrorCode,
    scope: RetryScope = "never",
    outcome: CircuitOutcome = "failure",
    *,
    retryable: bool | None = None,
    reason: str = "",
) -> Classification:
    """Return a verdict for a table; it is retryable if its scope is not "never"."""
    return Classification(
        category=category,
        code=code,
        retryable=scope != "never" if retryable is None else retryable,
        retry_scope=scope,
        circuit_outcome=outcome,
        reason=reason,
    )


def never_sent(meaning: Classification) -> Classification:
    """Return the verdict on the same failure of a request that certainly was not executed."""
    if meaning.retryable and meaning.retry_scope in {"idempotent", "reconnect"}:
        return meaning.replace(retry_scope="always")
    return meaning


def table(rows: Mapping[str, Rule]) -> Table:
    """Spread rows with several names over their names, and give each constant verdict its name as reason."""
    spread: Table = {}
    for names, rule in rows.items():
        for name in names.split():
            spread[name] = _because_of(name, rule)
    return spread


def _because_of(name: str, rule: Rule) -> Rule:
    reason = f"type {name.replace(':', '.').removeprefix('builtins.')}"
    if isinstance(rule, Otherwise):
        return rule._replace(verdict=rule.verdict.because(reason))
    return rule.because(reason) if isinstance(rule, Classification) else rule


def classes_of(kind: type) -> tuple[type, ...]:
    """Return the classes along the MRO, most specific first."""
    return _mro_of(kind)


def members_of(kind: type) -> Mapping[str, Any]:
    """Return what the class itself defines, without its bases."""
    return _members_of(kind)


def module_name(kind: type) -> str:
    """Return the name of the class's module, or "" if the class hides it."""
    try:
        name = _module_of(kind)
    except AttributeError:
        return ""
    return name if isinstance(name, str) else ""


def full_name(kind: type) -> str:
    """Return `module.Class`, without the module for builtins; cut short if it is unreasonably long."""
    module = module_name(kind)
    name = _qualname_of(kind) if module in {"builtins", ""} else f"{module}.{_qualname_of(kind)}"
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def roots_of(classes: Iterable[type]) -> set[str]:
    """Return the top-level packages in which these classes are defined."""
    return {module_name(kind).partition(".")[0] for kind in classes}


def rules_for(classes: Iterable[type], rules: Table) -> tuple[Rule, ...]:
    """Return the table's rules for a class with this MRO, most specific first."""
    found = []
    for kind in classes:
        module, name = module_name(kind), _qualname_of(kind)
        rule = rules.get(f"{module}.{name}") or rules.get(f"{module.partition('.')[0]}:{name}")
        if rule is not None:
            found.append(rule)
    return tuple(found)
