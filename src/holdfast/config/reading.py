"""A configuration is read, and made into policies and configs, without being put to use."""

from __future__ import annotations

from types import MappingProxyType

from ..records import Record
from ..typed import TYPE_CHECKING
from .builder import Builder
from .document import find
from .environment import Variables, apply
from .problems import Problems
from .report import FIELDS, ConfigReport
from .trial import try_guards

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..retry.policy import RetryPolicy


class Reading(Record):
    """What was read, the place if it was looked for, and the policies that do not say what their fallback is."""

    report: ConfigReport
    found: str
    open_fallbacks: frozenset[str]


def read(
    source: object,
    environ: Mapping[str, str],
    *,
    registered: Mapping[str, RetryPolicy],
    known: Mapping[str, Iterable[str]],
    found: str,
) -> Reading:
    """Return what is configured; raise `ConfigurationError`, with all that is wrong, as `load_config` does.

    `registered` are the retry policies that there are besides, `known` the names in use, by section, which variables
    may mean. `found` is where a configuration was found before, if it was looked for.
    """
    variables = Variables(environ)
    document, found = find(source, variables, found)
    problems = Problems(document)
    apply(variables, document, known, problems)
    builder = Builder(document, problems, registered)
    enabled = builder.enabled()
    made = builder.build()
    try_guards(made, problems)
    problems.end()
    things: dict[str, Any] = {field: MappingProxyType(made[section]) for section, field in FIELDS.items()}
    heeded = tuple(sorted(document.variables.values()))
    report = ConfigReport(source=document.source, enabled=enabled, variables=heeded, **things)
    return Reading(report=report, found=found, open_fallbacks=frozenset(builder.open_fallbacks))
