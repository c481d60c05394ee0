"""Single values set by environment variables: HOLDFAST_POLICIES__PAYMENTS__TIMEOUT=5 is policies.payments.timeout = 5.

Two underscores part the levels. Upper and lower case are alike, and so are all characters that a variable cannot have.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigurationError
from ..records import nearest
from ..settings import shown
from ..switch import VARIABLE, from_environment
from ..typed import TYPE_CHECKING
from .document import CONFIG
from .kinds import told
from .schema import SECTIONS, SHARED, TOP, Table
from .wording import legible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .document import Document
    from .lines import Path
    from .problems import Problems

PREFIX = "HOLDFAST_"
_TRIES = 100


_FOREIGN = r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
"""How the names end that Kubernetes makes of a service called holdfast, or holdfast-something."""


class Variables(dict[str, str]):
    """Those of the environment that are ours, by their names in upper case; `written`: by those, as they are."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self.written: dict[str, str] = {}
        if not isinstance(environ, Mapping):
            raise ConfigurationError(f"load_config: environ must be a mapping of text, not {shown(environ)}")
        for name in sorted(each for each in _names(environ) if isinstance(each, str)):
            if name.upper().startswith(PREFIX):
                value: Any = environ.get(name, "")  # it may just have been taken away
                if not isinstance(value, str):
                    raise ConfigurationError(f"{legible(name)}: what a variable is set to must be text")
                if value.strip():
                    self._enter(name, value)

    def _enter(self, name: str, value: str) -> None:
        plain = name.upper()
        if plain in self:
            raise ConfigurationError(
                f"{legible(self.written[plain])} and {legible(name)} are both set, and mean the same, as upper and "
                "lower case are alike; leave one of them out"
            )
        if not _is_foreign(plain):
            self[plain], self.written[plain] = value, name


def _names(environ: Mapping[str, str]) -> list[Any]:
    for _ in range(_TRIES):
        try:
            return list(environ)
        except RuntimeError:
            continue  # it has just been changed
    raise ConfigurationError("the environment changes while it is read")


def _is_foreign(name: str) -> bool:
    """Whether a variable cannot be one of ours, not even misspelled, although its name begins like that."""
    part = name.removeprefix(PREFIX)
    if "__" in part or name in (CONFIG, VARIABLE):
        return False
    import re

    known = [*TOP, CONFIG.removeprefix(PREFIX)]
    return re.search(f"{_FOREIGN}$", f"_{part}") is not None or nearest(part, known) is None


def apply(variables: Variables, document: Document, known: Mapping[str, Iterable[str]], problems: Problems) -> None:
    """Set the values in the document's tables, which belong to nobody else; `known` are names that are in use."""
    for plain, value in variables.items():
        variable = variables.written[plain]
        if plain == VARIABLE:
            try:
                document.tables["enabled"] = from_environment(value)
            except ConfigurationError as error:
                problems.note(variable, str(error))
            document.variables["enabled",] = variable
        elif plain != CONFIG:
            try:
                _Setting(variable, document, known).apply(_parsed(value))
            except _Meaningless as error:
                problems.note(variable, str(error))


class _Meaningless(Exception):  # noqa: N818  it is told, and never leaves this module
    """What is wrong with the name of a variable."""


class _Setting:
    """What one variable means."""

    def __init__(self, variable: str, document: Document, known: Mapping[str, Iterable[str]]) -> None:
        self._variable = variable
        self._document = document
        self._known = known
        self._before = PREFIX  # what is understood of the name so far

    def apply(self, value: Any) -> None:
        """Put the value where the name says."""
        section, *rest = self._variable[len(PREFIX) :].split("__")
        kind = self._key(section, TOP, also=(CONFIG.removeprefix(PREFIX),) if not rest else ())
        table: Any = TOP[kind]
        if not isinstance(table, Table):  # HOLDFAST_ENABLED with more behind it
            raise _Meaningless(f"means nothing; did you mean {VARIABLE}?")
        if not rest or not rest[0]:
            raise _Meaningless(f"means nothing; a variable names what it sets: {self._before}__NAME__KEY")
        tables = self._document.tables.setdefault(kind, {})
        if not isinstance(tables, dict):
            return  # which is told as a problem of the document
        name = self._named(rest[0], kind, tables)
        self._before += f"__{legible(_folded(name).upper())}"
        self._set(tables, table, rest[1:], value, (kind, name))

    def _set(self, inside: dict[Any, Any], kind: Any, rest: list[str], value: Any, path: Path) -> None:
        """Set what is at a path, the end of which is a key `inside`, or what the rest of the name says of it."""
        key = path[-1]
        if rest and not isinstance(kind, Table):
            raise _Meaningless(f"means nothing, as {self._before} has no keys")
        there = inside.get(key)
        if not rest and not (isinstance(there, dict) and kind is SECTIONS["timeouts"] and not isinstance(value, dict)):
            inside[key] = value
            self._document.variables = {
                each: variable for each, variable in self._document.variables.items() if each[: len(path)] != path
            }
            self._document.variables[path] = self._variable
            return
        inside[key] = table = self._as_table(there, key, kind)
        name = self._key(rest[0], kind.keys, kind) if rest else kind.shorthand
        self._set(table, kind.keys[name], rest[1:], value, (*path, name))

    def _as_table(self, there: Any, key: str | int, kind: Table) -> dict[Any, Any]:
        """Return what is there as a table; a plain value is what the shorthand is for."""
        if isinstance(there, dict):
            return there
        if there is None or there is False:
            return {}
        if not kind.shorthand:
            section = SHARED.get(str(key), "").upper() if isinstance(there, str) else ""
            fix = f"; set {PREFIX}{section}__{legible(_folded(there).upper())}__… instead" if section else ""
            raise _Meaningless(f"cannot be set, as {self._document.source} says that {key} is {told(there)}{fix}")
        return {kind.shorthand: there}

    def _key(self, part: str, keys: Iterable[str], table: Table | None = None, also: tuple[str, ...] = ()) -> str:
        wanted = _folded(part)
        for key in keys:
            if _folded(key) == wanted:
                self._before += ("" if self._before == PREFIX else "__") + key.upper()
                return key
        if table is not None and wanted in table.in_code:
            raise _Meaningless(f"cannot be set here: {table.in_code[wanted]}")
        link = "" if self._before == PREFIX else "__"
        names = [self._before + link + key.upper() for key in (*keys, *also)]
        near = nearest(self._before + link + part.upper(), names) if nearest(wanted, [*keys, *also]) else None
        offer = f"did you mean {near}{'__…' if near.removeprefix(PREFIX).lower() in SECTIONS else ''}? " if near else ""
        parts = [name.removeprefix(self._before + link) for name in names]
        raise _Meaningless(f"means nothing; {offer}after {self._before}{link} there may be {', '.join(parts)}")

    def _named(self, part: str, kind: str, tables: Mapping[Any, Any]) -> str:
        """Return the name that is meant: one of the document, else one that is in use, else a new one."""
        wanted = _folded(part)
        for names in (tables, self._known.get(kind, ())):
            meant = [name for name in names if isinstance(name, str) and _folded(name) == wanted]
            if len(meant) > 1:
                both = " and ".join(shown(name) for name in sorted(meant))
                raise _Meaningless(f"may mean {both}, which differ only in what a variable's name cannot tell apart")
            if meant:
                return meant[0]
        return part.lower()


def _folded(name: str) -> str:
    """Return a name with all that a variable cannot tell apart made alike."""
    return "".join(letter if letter.isalnum() else "_" for letter in name).lower()


def _parsed(written: str) -> Any:
    """Return the value as TOML reads it, or else the text as it is."""
    import tomllib

    written = written.strip()
    if written.lower() in ("true", "false"):
        return written.lower() == "true"
    try:
        read = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError):
        return written
    return read["value"] if len(read) == 1 else written
