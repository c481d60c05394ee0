"""`load_config`: a configuration is read, and then put to use as a whole, or not at all."""

from __future__ import annotations

import os

from ..resilience.manager import ResilienceManager, resilience_manager
from ..settings import shown
from ..typed import TYPE_CHECKING
from .report import FIELDS, ConfigReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def load_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    manager: ResilienceManager | None = None,
    environ: Mapping[str, str] | None = None,
) -> ConfigReport:
    """Set up policies from a TOML file, a mapping or the environment, and tell what that changed.

    * `source`: a path; a mapping of what such a file says; or None for the file that HOLDFAST_CONFIG names, else
      holdfast.toml in the working directory, else [tool.holdfast] in pyproject.toml there.
    * `manager`: whose policies they are. Default: the one of this process.
    * `environ`: the environment, in which variables such as HOLDFAST_POLICIES__PAYMENTS__TIMEOUT set single values.
      Default: that of the process.

    >>> report = load_config({"policies": {"payments": {"preset": "api", "timeout": "10s"}}}, environ={})
    >>> report.policies["payments"].timeout
    10.0
    >>> report.added
    ('policies.payments',)
    >>> load_config({}, environ={}).removed
    ('policies.payments',)

    A name may be used by decorators before and after. Calling it again is a reload: what the configuration does not
    change keeps its state, be it an open circuit, a bulkhead's permits and queue, or what a limiter has counted, and
    what it does not name any more is removed. What code registered is left alone unless the configuration names it, and
    is back when it does so no more. What only code can say, such as a callback, stays. Another source takes the place
    of the one before.

    It waits for nobody: if another call, in another thread or further down in this one, is just putting its
    configuration to use, that call puts this one to use right after.

    Raises `ConfigurationError`, with file, line, key and fix of all that is wrong, and then changes nothing.
    """
    return _load(source, manager, environ, use=True)


def read_config(
    source: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    manager: ResilienceManager | None = None,
    environ: Mapping[str, str] | None = None,
) -> ConfigReport:
    """Return what `load_config` would set up, as `python -m holdfast check` shows it, and change nothing.

    >>> print(read_config({"timeouts": {"weather": 5}}, environ={}).timeouts["weather"].seconds)
    5.0

    Raises `ConfigurationError` as `load_config` does.
    """
    return _load(source, manager, environ, use=False)


def _load(source: object, manager: Any, environ: Mapping[str, str] | None, *, use: bool) -> ConfigReport:
    from .claims import without
    from .holding import holders
    from .reading import read
    from .turns import configured, turns
    from .use import changes, put_to_use, strayed

    if manager is None:
        manager = resilience_manager
    elif not isinstance(manager, ResilienceManager):
        raise TypeError(f"load_config: manager must be a ResilienceManager, not {shown(manager)}")
    of, held = configured(manager), holders(manager)
    reading = read(
        source,
        os.environ if environ is None else environ,
        registered=without(held["retry"], of),
        known={section: holder.names() for section, holder in held.items()},
        found=of.found,
    )
    report = reading.report
    if not use:
        return report
    held = holders(manager, reading.open_fallbacks)
    wanted = {(section, name): thing for section in held for name, thing in getattr(report, FIELDS[section]).items()}
    away = strayed(wanted, held) if turns.is_free else set()
    before = turns.take(of, wanted, reading.found, lambda: put_to_use(of, wanted, held, report.enabled))
    return report.replace(**changes(before, wanted, away))
