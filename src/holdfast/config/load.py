"""`load_config`: a configuration is read, and then put to use as a whole, or not at all."""

from __future__ import annotations

import os
import threading
from weakref import WeakKeyDictionary

from ..resilience.manager import ResilienceManager, resilience_manager
from ..settings import shown
from ..switch import VARIABLE, from_environment, set_enabled
from ..typed import TYPE_CHECKING
from .report import FIELDS, ConfigReport

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .holding import Holder

_lock = threading.RLock()  # one configuration at a time; a signal handler may load one while another is being loaded
_loaded: WeakKeyDictionary[ResilienceManager, _Loaded] = WeakKeyDictionary()


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
    is back when it does so no more. Another source takes the place of the one before.

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
    from .holding import holders
    from .reading import read

    if manager is None:
        manager = resilience_manager
    elif not isinstance(manager, ResilienceManager):
        raise TypeError(f"load_config: manager must be a ResilienceManager, not {shown(manager)}")
    environ = os.environ if environ is None else environ
    with _lock:
        loaded = _loaded.setdefault(manager, _Loaded())
        held = holders(manager)
        known = {section: holder.names() for section, holder in held.items()}
        report = read(source, environ, registered=loaded.without(held["retry"]), known=known)
        return loaded.take(report, held, environ) if use else report


class _Loaded:
    """What a manager has from its configuration, and what was there before under the same names."""

    def __init__(self) -> None:
        self.things: dict[tuple[str, str], Any] = {}
        self.before: dict[tuple[str, str], Any] = {}
        self.switched = False

    def without(self, holder: Holder) -> dict[str, Any]:
        """Return the retry policies that there would be if there were no configuration."""
        there = {}
        for name in holder.names():
            key, thing = ("retry", name), holder.get(name)
            if self.is_ours(key, thing):
                thing = self.before.get(key)
            if thing is not None:
                there[name] = thing
        return there

    def is_ours(self, key: tuple[str, str], thing: object) -> bool:
        """Whether what is there now is what was put there from the configuration."""
        return key in self.things and self.things[key] == thing

    def take(self, report: ConfigReport, held: Mapping[str, Holder], environ: Mapping[str, str]) -> ConfigReport:
        """Put what is configured to use, and tell what has changed."""
        wanted = {
            (section, name): thing for section in held for name, thing in getattr(report, FIELDS[section]).items()
        }
        told: dict[str, list[str]] = {"added": [], "changed": [], "removed": [], "unchanged": []}
        for key, thing in wanted.items():
            section, name = key
            there = held[section].get(name)
            if key not in self.things:
                told["added"].append(f"{section}.{name}")
            else:
                told["unchanged" if self.things[key] == thing == there else "changed"].append(f"{section}.{name}")
            if not self.is_ours(key, there):
                self.before[key] = there  # for when the configuration names it no more
            self.things[key] = thing
            if there != thing:
                held[section].put(name, thing)
        for key in [key for key in self.things if key not in wanted]:
            section, name = key
            told["removed"].append(f"{section}.{name}")
            before = self.before.pop(key)
            if self.is_ours(key, held[section].get(name)):
                if before is None:
                    held[section].drop(name)
                else:
                    held[section].put(name, before)
            del self.things[key]
        self._switch(report.enabled, environ)
        return report.replace(**{how: tuple(names) for how, names in told.items()})

    def _switch(self, enabled: bool | None, environ: Mapping[str, str]) -> None:
        if enabled is not None:
            set_enabled(enabled)
        elif self.switched:
            set_enabled(from_environment(environ.get(VARIABLE)))
        self.switched = enabled is not None
