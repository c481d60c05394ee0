"""A configuration is read, and made into policies and configs, without being put to use."""

from __future__ import annotations

from types import MappingProxyType

from ..typed import TYPE_CHECKING
from .builder import Builder
from .document import ENVIRONMENT, Document, find, nowhere
from .environment import apply, settings_in
from .problems import Problems
from .report import FIELDS, ConfigReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from ..retry.policy import RetryPolicy


def read(
    source: object,
    environ: Mapping[str, str],
    *,
    registered: Mapping[str, RetryPolicy],
    known: Mapping[str, Iterable[str]],
) -> ConfigReport:
    """Return what is configured; raise `ConfigurationError`, with all that is wrong, as `load_config` does.

    `registered` are the retry policies that there are besides, `known` the names in use, by section, which variables
    may mean.
    """
    document = find(source, environ)
    if document is None:
        if not settings_in(environ):
            raise nowhere()
        document = Document(ENVIRONMENT, {})
    document.tables = _copied(document.tables)
    problems = Problems(document)
    apply(environ, document, known, problems)
    builder = Builder(document, problems, registered)
    enabled = builder.enabled()
    made = builder.build()
    problems.end()
    things: dict[str, Any] = {field: MappingProxyType(made[section]) for section, field in FIELDS.items()}
    variables = tuple(sorted(document.variables.values()))
    return ConfigReport(source=document.source, enabled=enabled, variables=variables, **things)


def _copied(thing: Any) -> Any:
    """Return tables as dicts that nobody else has."""
    if hasattr(thing, "items"):
        return {key: _copied(value) for key, value in thing.items()}
    return thing
